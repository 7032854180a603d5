// What an op answers: a closed union that the pipeline turns into Vault's envelope and the edge into bytes.
import type { JsonObject } from '../base/json.ts'
import type { LeaseGrant, Leased } from './lease.ts'
import type { AuthBlock, LoginGrant, WrapInfo } from './token.ts'

export interface DataReply {
  readonly kind: 'data'
  readonly data: JsonObject | null
  readonly warnings?: readonly string[]
  /** Seconds, shown as `lease_duration` though nothing is leased (KV v1). */
  readonly leaseDuration?: number
  /** What `data` holds is lent: the pipeline carries the grant out and makes it the lease that is shown. */
  readonly lease?: LeaseGrant
  /** The lease that is shown. */
  readonly leased?: Leased
  /** 404 for a deleted KV v2 version, which clients read with its data; 202 for work that goes on. */
  readonly status?: 200 | 202 | 404
  /** Also shows the keys of `data` at top level, as some system paths do. */
  readonly spread?: true
}

/** The client of a stream. */
export interface Sink {
  /** Bytes that it has yet to take. */
  readonly waiting: number
  send(text: string): void
  close(reason: string): void
  onClose(run: () => void): void
}

export type OpenStream = (sink: Sink) => () => boolean

export type Reply =
  | DataReply
  /** A list: sorted names, folders ending in `/`. An empty one answers 404. */
  | { readonly kind: 'keys'; readonly keys: readonly string[]; readonly info?: JsonObject; readonly warnings?: readonly string[] }
  /** A login succeeded; the pipeline mints the token. */
  | { readonly kind: 'login'; readonly login: LoginGrant; readonly warnings?: readonly string[] }
  /** A token was made or renewed. One that was made ends again where it can't be answered. */
  | { readonly kind: 'auth'; readonly auth: AuthBlock; readonly made?: true; readonly warnings?: readonly string[] }
  /** An answer was wrapped: it is what a token tells of it. */
  | { readonly kind: 'wrapped'; readonly info: WrapInfo; readonly warnings?: readonly string[] }
  /** A wrapped answer: JSON text, or where it is `raw` one whose data holds status, type and bytes. */
  | { readonly kind: 'unwrapped'; readonly text: string; readonly raw: boolean }
  /**
   * 204, or 200 with an envelope where there are warnings; 202 either way for what is done later. `last` is done after the answer was
   * recorded and before it is given: for what ends the server's ability to record.
   */
  | { readonly kind: 'empty'; readonly status?: 202; readonly warnings?: readonly string[]; readonly last?: () => Promise<void> }
  /** 404 `{"errors":[]}`. */
  | { readonly kind: 'missing'; readonly warnings?: readonly string[] }
  /** JSON without an envelope. */
  | { readonly kind: 'plain'; readonly status: number; readonly body: JsonObject }
  /** Texts as they come, over a WebSocket. `open` is called once it is there, and returns whether the client may go on hearing. */
  | { readonly kind: 'stream'; readonly open: OpenStream }
  /** A file, as it is made. */
  | { readonly kind: 'file'; readonly contentType: string; readonly chunks: AsyncIterable<Uint8Array> }
  /** Bytes as they are; `wipe` zeroes them once sent. */
  | { readonly kind: 'raw'; readonly status: number; readonly contentType: string; readonly body: Buffer; readonly wipe?: true }

export const data = (value: JsonObject | null, more: Omit<DataReply, 'kind' | 'data'> = {}): Reply => ({ kind: 'data', data: value, ...more })
export const keys = (names: readonly string[], info?: JsonObject): Reply =>
  info ? { kind: 'keys', keys: names, info } : { kind: 'keys', keys: names }
export const login = (grant: LoginGrant): Reply => ({ kind: 'login', login: grant })
export const empty = (...warnings: string[]): Reply => (warnings.length > 0 ? { kind: 'empty', warnings } : { kind: 'empty' })
/** What was asked for will be done. */
export const accepted = (...warnings: string[]): Reply => ({ kind: 'empty', status: 202, warnings })
export const missing = (...warnings: string[]): Reply => (warnings.length > 0 ? { kind: 'missing', warnings } : { kind: 'missing' })
export const stream = (open: OpenStream): Reply => ({ kind: 'stream', open })
export const plain = (body: JsonObject, status = 200): Reply => ({ kind: 'plain', status, body })
