// How a kind of attestor of the agent's configuration is declared.
import type { Shape, Values } from '../base/fields.ts'
import { type Block, readStanza } from './config/stanza.ts'

/** One kind: its table, and what is made of a stanza of it. */
export interface AttestorKind<T> {
  readonly doc: string
  readonly keys: Shape
  open(block: Block): T
}

export function kind<T, S extends Shape>(doc: string, keys: S, open: (values: Values<S>, block: Block) => T): AttestorKind<T> {
  return { doc, keys, open: (block) => open(readStanza(block, { keys }).values, block) }
}
