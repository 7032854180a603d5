// Proof by two nonces: the server's, so that no answer is an old one, and the node's, so that it signs nothing the server chose alone.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'

const NONCE_BYTES = 32

export const newNonce = (random: Random): Buffer => random.bytes(NONCE_BYTES)

/** What is signed, before it is hashed. Throws `denied` for a nonce of another size. */
export function bothNonces(server: Buffer, node: Buffer): Buffer {
  if (node.length !== NONCE_BYTES) throw new Fault('denied', 'challenge response verification failed: invalid response nonce')
  return Buffer.concat([server, node])
}
