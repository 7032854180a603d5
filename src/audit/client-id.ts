// Whom a token is counted as, as records name it.
import { createHash } from 'node:crypto'
import type { Token } from '../contract/token.ts'

/** Who is counted as one client: the entity, or without one all tokens of the same policies (Vault, "client count"). */
export function clientId({ entityId, policies }: Token, namespaceId: string): string {
  if (entityId !== '') return entityId
  return createHash('sha256')
    .update(`${[...policies].sort().join('\x7f')}\0${namespaceId}`)
    .digest('base64')
}
