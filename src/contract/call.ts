// A request as plain data that gains facts room by room; each stage's type says what has been settled.
import type { JsonObject } from '../base/json.ts'
import type { CanonPath } from '../base/path.ts'
import type { Secret } from '../base/secret.ts'
import type { CertificateId } from '../crypto/x509-svid.ts'
import type { Op, Module } from './module.ts'
import type { Mount } from './mount.ts'
import type { Namespace } from './namespace.ts'
import type { Reply } from './reply.ts'
import type { Token } from './token.ts'

/** What a client may ask of a path. `write` becomes the capability `create` or `update` by whether the thing exists. */
export type Verb = 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete' | 'help'

/** What policies grant (Vault, "Policies", capabilities; `scan` is OpenBao's recursive list, `subscribe` is for events). */
export type Capability = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'scan' | 'subscribe' | 'sudo' | 'deny'

export interface Peer {
  readonly address: string
  readonly port: number
  /** Serial number of the certificate that it proved to own, in decimal. */
  readonly certificate?: string
  /** The certificates that it showed, in DER, leaf first. It owns the key of the first; nothing else about them was looked at. */
  readonly chain?: readonly Buffer[]
  /** The SPIFFE ID that the certificate of its connection proves, which certificate that is, and its end in milliseconds. */
  readonly svid?: CertificateId & { readonly id: string; readonly expiresAt: number }
  /** The SPIFFE ID that it would prove if it were not revoked: it proves nothing, and is for the answer alone that says so. */
  readonly revoked?: string
  /** The user at the other end of a Unix socket, by the kernel's word, and whether the configuration lets it administer the trust domain. */
  readonly user?: { readonly uid: number; readonly pid: number; readonly operator: boolean }
}

/** The edge made it from bytes. */
export interface Received {
  /** A UUID that answers, audit lines and logs share. */
  readonly id: string
  /** Wall time in milliseconds. */
  readonly at: number
  readonly verb: Verb
  readonly path: CanonPath
  /** The namespace header, canonical, without a slash at its end; '' is the root. Routed, the path of `tenant`. */
  readonly namespace: string
  readonly query: JsonObject
  readonly body: Buffer
  /** Instead of a body, for the few paths that take one of any size: it is read by the op that wants it, once it may. */
  readonly upload?: AsyncIterable<Uint8Array>
  readonly contentType: string | undefined
  readonly token: Secret | undefined
  readonly peer: Peer
  /** Names and values in turn, as they came; only audit looks at them. */
  readonly headers?: readonly string[]
  /** Where several requests are messages of one stream: an object that stands for it, the same for all of them, and gone with it. */
  readonly stream?: object
  /** Seconds that the answer shall stay wrapped, where the client asked for it. */
  readonly wrapTtl: number | undefined
}

/** What a path and verb lead to. */
export type Target =
  | { readonly found: 'op'; readonly op: Op; readonly params: Readonly<Record<string, string>> }
  | { readonly found: 'no-path' | 'no-op' }

/** Tenancy and the module's paths settled where it goes; `path` is within the namespace from here on. */
export interface Routed extends Received {
  /** The namespace that header and path lead to together. */
  readonly tenant: Namespace
  /** Undefined where no mount takes the path. */
  readonly mount: Mount | undefined
  readonly module: Module | undefined
  readonly target: Target
  /** The body, or for verbs without one the query; what was captured from the path is in `target.params`. */
  readonly data: JsonObject
}

/** Settled who asks: a live token, or nobody. */
export interface Known extends Routed {
  readonly caller: Token | undefined
}

/** Which policies let it pass, for the audit record. */
export interface Grant {
  readonly capability: Capability
  readonly policies: readonly string[]
}

export declare const allowed: unique symbol

/** Settled that it may: only policy/ makes one. */
export interface Allowed extends Known {
  readonly grant: Grant
  readonly [allowed]: true
}

/** The module ran. */
export interface Answered extends Allowed {
  readonly reply: Reply
}

export type Stage<In, Out extends In> = (call: In) => Promise<Out> | Out
