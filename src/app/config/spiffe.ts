// spiffe: where agents of the trust domain are served.
import { or, text } from '../../base/fields.ts'
import { isAddress } from './listener.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

const KEYS = { address: or(text('host:port where agents are served, by gRPC over TLS.'), '127.0.0.1:8081') }

export const SPIFFE = { keys: KEYS, foreign: {} }

/** Undefined where there is no such block. */
export function parseSpiffe(blocks: readonly Block[]): string | undefined {
  const [block, second] = blocks
  if (!block) return undefined
  if (second) throw refuse(second, 'there can be only one spiffe { … }')
  const { address } = readStanza(block, SPIFFE).values
  if (!isAddress(address)) throw refuse(block, `address "${address}" is not host:port`)
  return address
}
