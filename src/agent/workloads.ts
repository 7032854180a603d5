// What workloads are served from, kept on disk together: the entries of now and the SVIDs with keys that are held for them.
import { exportSigningKey, type KeyType, openSigningKey } from '../crypto/signing-key.ts'
import type { JsonObject } from '../base/json.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { AgentEntry } from './entry.ts'
import type { Keeping } from './keeping.ts'
import type { HeldSvid } from './held-svids.ts'
import type { WorkloadWit } from './wit-svids.ts'
import type { WorkloadSvid } from './x509-svids.ts'

export interface Workloads {
  readonly entries: ReadonlyMap<string, AgentEntry>
  readonly svids: ReadonlyMap<string, WorkloadSvid>
  readonly wits: ReadonlyMap<string, WorkloadWit>
}

const RECORD = 'workloads'

/** Earlier agents did not keep the parent. */
type KeptEntry = Omit<AgentEntry, 'parentId'> & Partial<Pick<AgentEntry, 'parentId'>>

interface Kept {
  readonly id: string
  readonly key_type: KeyType
  readonly key: string
  readonly expires_at: number
  readonly renew_at: number
  readonly revision: number
  readonly created_at: number
}
type KeptX509 = Kept & { readonly chain: readonly string[] }
type KeptWit = Kept & { readonly token: string; readonly kid: string }

/** False where it can't be written now. */
export function keepWorkloads(keeping: Keeping, { entries, svids, wits }: Workloads): boolean {
  const record = {
    entries: [...entries.values()],
    svids: Array.from(svids, ([entryId, svid]) => [entryId, { ...kept(svid), chain: svid.chain.map((der) => der.toString('base64')) }]),
    wits: Array.from(wits, ([entryId, svid]) => [entryId, { ...kept(svid), token: svid.token, kid: svid.kid }]),
  }
  return keeping.trySave(RECORD, record as unknown as JsonObject)
}

/** Undefined where nothing was kept. */
export function loadWorkloads(keeping: Keeping): Workloads | undefined {
  const found = keeping.load(RECORD) as { entries: KeptEntry[]; svids: [string, KeptX509][]; wits?: [string, KeptWit][] } | undefined
  if (!found) return undefined
  const { entries, svids, wits = [] } = found // an agent from before kept none
  return {
    entries: new Map(entries.map((entry) => [entry.id, { ...entry, parentId: entry.parentId ?? '' }])),
    svids: new Map(svids.map(([entryId, svid]) => [entryId, { ...opened(svid), chain: svid.chain.map((one) => Buffer.from(one, 'base64')) }])),
    wits: new Map(wits.map(([entryId, svid]) => [entryId, { ...opened(svid), token: svid.token, kid: svid.kid }])),
  }
}

export const forgetWorkloads = (keeping: Keeping): void => keeping.forget(RECORD)

function kept({ id, key, expiresAt, renewAt, revision, createdAt }: HeldSvid): Kept {
  const secret = exportSigningKey(key)
  const text = secret.toString('base64')
  secret.fill(0)
  return { id, key_type: key.type, key: text, expires_at: expiresAt, renew_at: renewAt, revision, created_at: createdAt }
}

function opened({ id, key_type: type, key, expires_at: expiresAt, renew_at: renewAt, revision, created_at: createdAt }: Kept): HeldSvid {
  return { id: id as SpiffeId, key: openSigningKey(type, Buffer.from(key, 'base64')), expiresAt, renewAt, revision, createdAt }
}
