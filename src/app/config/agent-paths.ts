// Sockets that an agent's configuration names.
import { dirname } from 'node:path'
import { type Block, refuse } from './stanza.ts'

/** Permission bits in octal. Throws `invalid`. */
export function modeIn(block: Block, mode: string): number {
  if (!/^0?[0-7]{3}$/.test(mode)) throw refuse(block, `socket_mode "${mode}" is not permission bits in octal, such as 0770`)
  return Number.parseInt(mode, 8)
}

/** Whether whoever has the folder of the public socket mounted would have this one, too. */
export const isBeside = (path: string, publicSocket: string): boolean => `${dirname(path)}/`.startsWith(`${dirname(publicSocket)}/`)
