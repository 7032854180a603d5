// A place in the path tree where a module serves: what the mount table stores.
import type { MountTokenType } from './token.ts'

export type MountClass = 'secret' | 'auth' | 'system'

/** Durations in seconds, 0 for the system's default. */
export interface MountConfig {
  readonly defaultLeaseTtl: number
  readonly maxLeaseTtl: number
  readonly listingVisibility: '' | 'hidden' | 'unauth'
  readonly auditNonHmacRequestKeys: readonly string[]
  readonly auditNonHmacResponseKeys: readonly string[]
  /** Kind of token a login gives; for auth mounts. */
  readonly tokenType: MountTokenType
  /** For auth mounts. */
  readonly userLockout?: UserLockout
}

/** How wrong guesses at a name lock it, where the mount differs from the server; 0 is "as the server has it". Times in seconds. */
export interface UserLockout {
  readonly threshold: number
  readonly lockSeconds: number
  readonly resetSeconds: number
  readonly disabled: boolean
}

export interface Mount {
  readonly uuid: string
  readonly accessor: string
  /** What its data lies under in the store; no other mount ever has the same. */
  readonly slice: string
  /** Path of the namespace that it is in; '' is the root. */
  readonly namespace: string
  readonly namespaceId: string
  readonly class: MountClass
  readonly type: string
  /** Ends in a slash: `secret/`, `auth/userpass/`, `sys/`. */
  readonly path: string
  readonly description: string
  readonly config: MountConfig
  /** As the client sets them: `{ version: "2" }`. */
  readonly options: Readonly<Record<string, string>> | undefined
  readonly local: boolean
  /** The move that it is in, during which nobody reaches it. */
  readonly moving?: string
}
