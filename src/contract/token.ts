// What the rooms know of a token; its id itself is known to nobody but its holder.

/** A `service` token is stored; a `batch` token is its own sealed record, and making or using one writes nothing. */
export type TokenType = 'service' | 'batch'

/** What a mount says of the tokens that its logins give: a type, or what to take where the role doesn't care. */
export type MountTokenType = TokenType | 'default-service' | 'default-batch'

/** The longest id that a request can carry, in bytes. */
export const MAX_TOKEN_BYTES = 8 << 10

/** A token, as stored. Times are wall milliseconds, durations seconds; 0 means "none" for every limit. */
export interface Token {
  readonly type: TokenType
  /** HMAC of the token's id, with the id's namespace suffix: the key it is stored under. */
  readonly hash: string
  /** Empty for a batch token. */
  readonly accessor: string
  /** Hash of the token it ends with. */
  readonly parent: string | undefined
  readonly policies: readonly string[]
  /** Where it was made: `auth/userpass/login/ann`, `auth/token/create`. */
  readonly path: string
  /** Accessor of the auth mount it came from; renewals ask that mount. */
  readonly mountAccessor: string
  readonly displayName: string
  readonly metadata: Readonly<Record<string, string>> | undefined
  /** What the auth method needs to renew it; never shown. */
  readonly internal: Readonly<Record<string, string>> | undefined
  readonly createdAt: number
  readonly lastRenewedAt: number
  /** Undefined for a token that never expires (root only). */
  readonly expiresAt: number | undefined
  readonly ttl: number
  readonly explicitMaxTtl: number
  readonly period: number
  /** Uses left; 0 is without limit, -1 is used up. */
  readonly numUses: number
  readonly renewable: boolean
  readonly orphan: boolean
  readonly boundCidrs: readonly string[]
  readonly entityId: string
  readonly role: string
  /** Path of the namespace that it was made in; '' is the root. */
  readonly namespace: string
}

/** Seconds that the token was given last: when it was made, or renewed. */
export function grantedTtl({ ttl, lastRenewedAt, expiresAt }: Token): number {
  return lastRenewedAt > 0 && expiresAt !== undefined ? Math.round((expiresAt - lastRenewedAt) / 1000) : ttl
}

/** What a login asks for; the token room turns it into a token within the mount's bounds. */
export interface LoginGrant {
  readonly policies: readonly string[]
  /** The name under which the method knows who logged in. */
  readonly alias: string
  readonly displayName: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly internal?: Readonly<Record<string, string>>
  readonly limits: TokenLimits
}

/** The token parameters that every auth role has (Vault's `token_*` fields). */
export interface TokenLimits {
  /** `default` leaves it to the mount. */
  readonly type: MountTokenType | 'default'
  readonly ttl: number
  readonly maxTtl: number
  readonly explicitMaxTtl: number
  readonly period: number
  readonly numUses: number
  readonly boundCidrs: readonly string[]
  readonly noDefaultPolicy: boolean
}

/** What a client is told of an answer that was wrapped: the `wrap_info` block. */
export interface WrapInfo {
  readonly id: string
  /** The token that holds it. */
  readonly token: Token
  readonly creationPath: string
  /** Accessor of the token or secret ID inside, where there is one. */
  readonly wrappedAccessor: string | undefined
}

/** The `auth` block of an answer. */
export interface AuthBlock {
  readonly clientToken: string
  readonly token: Token
  readonly identityPolicies: readonly string[]
}
