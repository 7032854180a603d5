// What the edge knows of an HTTP/1.1 connection from one request to the next.
import type { TLSSocket } from 'node:tls'
import type { Fault } from '../base/fault.ts'
import type { Peer } from '../contract/call.ts'
import { chainOf } from './peer-chain.ts'
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

export function openConnection(socket: ParsedSocket, peer: Peer): Connection {
  return { socket, peer, shim: openShim(socket), pending: 0, state: 'open', refuseBody: undefined }
}

interface PeerSocket {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  /** Of TLS only. */
  getPeerX509Certificate?(): { readonly serialNumber: string } | undefined
  getPeerCertificate?: TLSSocket['getPeerCertificate']
}

/** An IPv4 client of a dual-stack listener is written as IPv4, which is what address rules name. */
export function toPeer(socket: PeerSocket): Peer {
  const { remoteAddress: address = '', remotePort: port = 0 } = socket
  return { address: address.startsWith('::ffff:') ? address.slice(7) : address, port, ...shown(socket) }
}

type Shown = Pick<Peer, 'certificate' | 'chain'>

/** A connection shows it once, and over HTTP/2 it is asked for at every request. */
const known = new WeakMap<PeerSocket, Shown>()

/** What it showed of itself in the handshake. */
export function shown(socket: PeerSocket): Shown {
  const before = known.get(socket)
  if (before) return before
  const certificate = socket.getPeerX509Certificate?.()
  if (!certificate || !socket.getPeerCertificate) return {}
  const found = { certificate: BigInt(`0x${certificate.serialNumber}`).toString(), chain: chainOf(socket as TLSSocket) }
  known.set(socket, found)
  return found
}
