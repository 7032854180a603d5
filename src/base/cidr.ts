// Address blocks (RFC 4632, RFC 4291): parsing, membership, and containment of one in another.
import { Fault } from './fault.ts'

/** `address` is the whole number of the address as written, host bits included. */
export interface Cidr {
  readonly family: 4 | 6
  readonly address: bigint
  /** Leading bits that count: 0 to 32, or 0 to 128. */
  readonly bits: number
}

const WIDTH = { 4: 32, 6: 128 } as const
const MAPPED = 0xffffn << 32n
const MAPPED_BITS = 96

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32`, or a bare address, which is a block of one. Throws `invalid`.
 * @example parseCidr('10.0.0.1').bits // 32
 */
export function parseCidr(text: string): Cidr {
  const [host = '', length, ...rest] = text.split('/')
  const address = parseAddress(host)
  if (!address || rest.length > 0) throw invalid(text)
  if (length === undefined) return { ...address, bits: WIDTH[address.family] }
  const bits = Number(length) - (host.includes(':') && address.family === 4 ? MAPPED_BITS : 0)
  if (!/^\d{1,3}$/.test(length) || bits < 0 || bits > WIDTH[address.family]) throw invalid(text)
  return { ...address, bits }
}

/** The block as Vault prints it: a single address without its length. @example formatCidr(parseCidr('10.0.0.1/32')) // '10.0.0.1' */
export function formatCidr({ family, address, bits }: Cidr): string {
  const host = family === 4 ? octets(address).join('.') : shorten(groups(address))
  return bits === WIDTH[family] ? host : `${host}/${bits}`
}

/** A block that a client sent, as Vault prints it. Throws `invalid` in Vault's words. @example cidrText('10.0.0.1/32') // '10.0.0.1' */
export function cidrText(raw: string): string {
  const block = tryParse(raw)
  if (block) return formatCidr(block)
  throw new Fault('invalid', `error parsing address ${JSON.stringify(raw)}: Unable to convert ${JSON.stringify(raw)} to an IPv4 or IPv6 address`)
}

/**
 * Whether an address lies in one of the blocks. What can't be parsed, on either side, is outside.
 * @example cidrContains(['10.0.0.0/8'], '::ffff:10.1.2.3') // true
 */
export function cidrContains(list: readonly string[], address: string): boolean {
  const host = parseAddress(address.replace(/%.*$/, ''))
  if (!host) return false
  return list.some((text) => {
    const block = tryParse(text)
    return block !== undefined && covers(block, { ...host, bits: WIDTH[host.family] })
  })
}

/**
 * Whom an address stands for: itself, or of IPv6 the network of 64 bits, within which one host can choose any address.
 * @example networkOf('2001:db8::1:2:3:4') // '2001:db8::/64'
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const host = parseAddress(address.replace(/%.*$/, ''))
  if (!host) return address
  return host.family === 4 ? formatCidr({ ...host, bits: 32 }) : formatCidr({ family: 6, address: (host.address >> 64n) << 64n, bits: 64 })
}

/** Whether each of the blocks lies whole in one of the outer ones. */
export function cidrsWithin(blocks: readonly string[], outer: readonly string[]): boolean {
  const bounds = outer.map(parseCidr)
  return blocks.map(parseCidr).every((block) => bounds.some((bound) => covers(bound, block)))
}

function covers(outer: Cidr, inner: Cidr): boolean {
  if (outer.family !== inner.family || outer.bits > inner.bits) return false
  const ignored = BigInt(WIDTH[outer.family] - outer.bits)
  return outer.address >> ignored === inner.address >> ignored
}

function tryParse(text: string): Cidr | undefined {
  try {
    return parseCidr(text)
  } catch {
    return undefined
  }
}

type Host = Pick<Cidr, 'family' | 'address'>

/** An IPv4 address inside an IPv6 one (`::ffff:a.b.c.d`) is the IPv4 address: sockets that take both report it so. */
function parseAddress(text: string): Host | undefined {
  if (!text.includes(':')) return parseV4(text)
  const address = parseV6(text)
  if (address === undefined) return undefined
  return address >> 32n === MAPPED >> 32n ? { family: 4, address: address & 0xffff_ffffn } : { family: 6, address }
}

function parseV4(text: string): Host | undefined {
  const parts = text.split('.')
  // A leading zero is octal to some and decimal to others, so it has no meaning here.
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return undefined
  return { family: 4, address: parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n) }
}

function parseV6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map(toGroups)
  if (!head || (halves.length === 2 && !tail)) return undefined
  const missing = 8 - head.length - (tail?.length ?? 0)
  if (tail ? missing < 1 : missing !== 0) return undefined
  return [...head, ...Array<bigint>(missing).fill(0n), ...(tail ?? [])].reduce((sum, group) => (sum << 16n) | group, 0n)
}

/** The 16-bit groups of one side of `::`; its last may be an IPv4 address. */
function toGroups(text: string): bigint[] | undefined {
  if (text === '') return []
  const found: bigint[] = []
  const parts = text.split(':')
  for (const [at, part] of parts.entries()) {
    const embedded = at === parts.length - 1 && part.includes('.') ? parseV4(part)?.address : undefined
    if (embedded !== undefined) found.push(embedded >> 16n, embedded & 0xffffn)
    else if (/^[0-9a-fA-F]{1,4}$/.test(part)) found.push(BigInt(`0x${part}`))
    else return undefined
  }
  return found
}

function octets(address: bigint): bigint[] {
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 0xffn)
}

function groups(address: bigint): string[] {
  return Array.from({ length: 8 }, (_, at) => ((address >> BigInt(112 - 16 * at)) & 0xffffn).toString(16))
}

/** The longest run of two or more zero groups becomes `::`, the first of equals (RFC 5952 §4.2). */
function shorten(all: readonly string[]): string {
  const runs = [...all.join(':').matchAll(/\b0(?::0)+\b/g)].map(([run]) => run)
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '')
  if (longest === '') return all.join(':')
  return all.join(':').replace(new RegExp(`(^|:)${longest}(:|$)`), '::')
}

function invalid(text: string): Fault {
  return new Fault('invalid', `invalid CIDR address: ${text}`)
}
