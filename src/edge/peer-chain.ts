// The certificates that the other side of a TLS connection showed.
import type { DetailedPeerCertificate, TLSSocket } from 'node:tls'

const MOST = 10

/** In DER, the leaf first; empty where it showed none. */
export function chainOf(socket: Pick<TLSSocket, 'getPeerCertificate'>): Buffer[] {
  return chainFrom(socket.getPeerCertificate(true))
}

/** The same from the leaf, which knows its issuers. */
export function chainFrom(leaf: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = []
  let next: DetailedPeerCertificate | undefined = leaf
  while (next?.raw && chain.length < MOST && !chain.some((one) => one.equals(next?.raw as Buffer))) {
    chain.push(next.raw)
    next = next.issuerCertificate
  }
  return chain
}
