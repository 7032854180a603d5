// The policies that are always there: what every token may do with itself, and what a wrapping token may do.
import type { Policy } from './policy.ts'

/** Everything, in the namespace of the token and below; alone on its token. */
export const ROOT_POLICY: Policy = { name: 'root', text: '', rules: [] }

/** In force until an operator writes another text; each token has it unless it was made without. */
export const DEFAULT_TEXT = `# The token itself: see it, keep it alive, give it up.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}

path "auth/token/renew-self" {
  capabilities = ["update"]
}

path "auth/token/revoke-self" {
  capabilities = ["update"]
}

# Whom the token stands for.
path "sys/whoami" {
  capabilities = ["read"]
}

# What the token may do: on given paths, why or why not, and as a whole for user interfaces.
path "sys/capabilities-self" {
  capabilities = ["update"]
}

path "sys/policies/explain-self" {
  capabilities = ["update"]
}

path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# The entity behind the token.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}

path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}

# Leases whose id the holder knows.
path "sys/leases/renew" {
  capabilities = ["update"]
}

path "sys/leases/lookup" {
  capabilities = ["update"]
}

# A store of its own, gone with the token.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Handing a secret on in a wrapping token, and taking one.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}

path "sys/wrapping/lookup" {
  capabilities = ["update"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Hashes of given bytes.
path "sys/tools/hash" {
  capabilities = ["update"]
}

path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# Signing in elsewhere with this identity (OpenID Connect).
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
`

/** What a response-wrapping token carries, and nothing else. */
export const RESPONSE_WRAPPING_TEXT = `path "cubbyhole/response" {
  capabilities = ["create", "read"]
}

path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
`
