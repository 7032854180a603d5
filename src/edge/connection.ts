// What the edge knows of an HTTP/1.1 connection from one request to the next.
import type { Fault } from '../base/fault.ts'
import type { Peer } from '../contract/call.ts'
import { openShim, type ParsedSocket, type Shim } from './shim.ts'

export interface Connection {
  readonly socket: ParsedSocket
  readonly peer: Peer
  readonly shim: Shim
  /** Requests not answered yet. */
  pending: number
  /** `refused`: the refusal ends it, and no later request is taken. `broken`: the parser gave up; it ends with the answers still due. */
  state: 'open' | 'refused' | 'broken'
  /** Refuses the request whose body is arriving, where there is one. */
  refuseBody: ((fault: Fault) => void) | undefined
}

export function openConnection(socket: ParsedSocket): Connection {
  return { socket, peer: toPeer(socket), shim: openShim(socket), pending: 0, state: 'open', refuseBody: undefined }
}

/** An IPv4 client of a dual-stack listener is written as IPv4, which is what address rules name. */
export function toPeer(socket: { readonly remoteAddress?: string | undefined; readonly remotePort?: number | undefined }): Peer {
  const address = socket.remoteAddress ?? ''
  return { address: address.startsWith('::ffff:') ? address.slice(7) : address, port: socket.remotePort ?? 0 }
}
