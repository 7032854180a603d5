// The PROXY protocol, versions 1 and 2: what a load balancer says about the client before it passes the client's own bytes on (haproxy.org, "proxy-protocol.txt").
import { formatCidr, parseCidr } from '../base/cidr.ts'
import { Fault } from '../base/fault.ts'
import type { Peer } from '../contract/call.ts'

/** What the first bytes of a connection are. */
export type Introduction =
  /** More bytes are needed to tell. */
  | { readonly kind: 'more' }
  /** The client's own: nobody speaks for it. */
  | { readonly kind: 'none' }
  /** `size` bytes, and whom they name: nobody where the balancer speaks for itself. */
  | { readonly kind: 'named'; readonly size: number; readonly peer: Peer | undefined }
  | { readonly kind: 'malformed' }

/** The longest header of version 1 (§2.1), and the longest that we take of version 2, which may carry more than addresses. */
const MAX_V1 = 107
const MAX_V2 = 1_024

const V1 = Buffer.from('PROXY ')
const V2 = Buffer.from([0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a])

const MORE: Introduction = { kind: 'more' }
const MALFORMED: Introduction = { kind: 'malformed' }

export function readIntroduction(bytes: Buffer): Introduction {
  if (startsLike(bytes, V1)) return bytes.length < V1.length ? MORE : readText(bytes)
  if (startsLike(bytes, V2)) return bytes.length < V2.length ? MORE : readBinary(bytes)
  return { kind: 'none' }
}

/** Both agree as far as both go. */
function startsLike(bytes: Buffer, sign: Buffer): boolean {
  const size = Math.min(bytes.length, sign.length)
  return bytes.compare(sign, 0, size, 0, size) === 0
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n` */
function readText(bytes: Buffer): Introduction {
  const end = bytes.subarray(0, MAX_V1).indexOf('\r\n')
  if (end < 0) return bytes.length < MAX_V1 ? MORE : MALFORMED
  const line = bytes.toString('latin1', 0, end)
  const size = end + 2
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return { kind: 'named', size, peer: undefined }
  const [, family, address, port] = /^PROXY TCP([46]) ([0-9A-Fa-f.:]+) [0-9A-Fa-f.:]+ (\d{1,5}) \d{1,5}$/.exec(line) ?? []
  if (address === undefined || address.includes(':') !== (family === '6') || Number(port) > 65_535) return MALFORMED
  return named(size, address, Number(port))
}

const LOCAL = 0x20
const PROXIED = 0x21
const TCP4 = 0x11
const TCP6 = 0x21

/** Twelve bytes of signature, then command, family and length, then the addresses (§2.2). */
function readBinary(bytes: Buffer): Introduction {
  if (bytes.length < 16) return MORE
  const command = bytes[12] as number
  const family = bytes[13] as number
  const length = bytes.readUInt16BE(14)
  const size = 16 + length
  if ((command !== LOCAL && command !== PROXIED) || size > MAX_V2) return MALFORMED
  if (bytes.length < size) return MORE
  if (command === LOCAL) return { kind: 'named', size, peer: undefined }
  if (family === TCP4 && length >= 12) return named(size, bytes.subarray(16, 20).join('.'), bytes.readUInt16BE(24))
  if (family === TCP6 && length >= 36) return named(size, groups(bytes.subarray(16, 32)), bytes.readUInt16BE(48))
  return family === TCP4 || family === TCP6 ? MALFORMED : { kind: 'named', size, peer: undefined }
}

function groups(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(2 * at).toString(16)).join(':')
}

function named(size: number, address: string, port: number): Introduction {
  try {
    return { kind: 'named', size, peer: { address: formatCidr(parseCidr(address)), port } }
  } catch (error) {
    if (error instanceof Fault) return MALFORMED
    throw error
  }
}
