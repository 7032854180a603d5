// Who a client is behind a proxy: the address that trusted proxies put into `X-Forwarded-For` (Vault, "tcp listener parameters").
import { cidrContains, formatCidr, parseCidr } from '../base/cidr.ts'
import { Fault } from '../base/fault.ts'
import type { Peer } from '../contract/call.ts'

export interface Forwarding {
  /** Address blocks of the proxies that are believed. */
  readonly authorized: readonly string[]
  /** How many addresses, from the end, are those of further proxies. */
  readonly hopSkips: number
  /** Refuses requests without the header; otherwise they are their connection's. */
  readonly rejectNotPresent: boolean
  /** Refuses the header from others; otherwise it is ignored. */
  readonly rejectNotAuthorized: boolean
}

export function isProxy({ authorized }: Forwarding, address: string): boolean {
  return cidrContains(authorized, address)
}

/** The client of a request that came over a connection from `peer`. Throws `invalid`, in Vault's words. */
export function clientBehind(peer: Peer, raw: readonly string[], forwarding: Forwarding): Peer {
  const hops = hopsOf(raw)
  if (hops.length === 0) {
    if (!forwarding.rejectNotPresent) return peer
    throw new Fault('invalid', 'missing x-forwarded-for header and configured to reject when not present')
  }
  if (!isProxy(forwarding, peer.address)) {
    if (!forwarding.rejectNotAuthorized) return peer
    throw new Fault('invalid', 'client address not authorized for x-forwarded-for and configured to reject connection')
  }
  const hop = hops.at(-1 - forwarding.hopSkips)
  if (hop !== undefined) return { address: toAddress(hop), port: peer.port }
  const skips = `hops to skip (${forwarding.hopSkips}) would skip before earliest chain link (chain length ${hops.length})`
  throw new Fault('invalid', `malformed x-forwarded-for configuration or request, ${skips}`)
}

/** Several headers are one list. */
function hopsOf(raw: readonly string[]): string[] {
  const hops: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    if ((raw[i] as string).length !== HEADER.length || (raw[i] as string).toLowerCase() !== HEADER) continue
    hops.push(...(raw[i + 1] as string).split(',').map((hop) => hop.trim()))
  }
  return hops
}

const HEADER = 'x-forwarded-for'

/** Some proxies add the port: `192.0.2.1:80`, `[2001:db8::1]:80`. */
function toAddress(hop: string): string {
  const [, bracketed, dotted] = /^(?:\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?|(\d+\.\d+\.\d+\.\d+):\d{1,5})$/.exec(hop) ?? []
  const address = bracketed ?? dotted ?? hop
  try {
    if (!address.includes('/')) return formatCidr(parseCidr(address))
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  throw new Fault('invalid', 'malformed x-forwarded-for header: it names no address')
}
