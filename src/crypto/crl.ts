// Certificate revocation lists (RFC 5280 §5): written field by field, and read by whoever holds what they may name.
import { type Issuer, serialText } from './certificate.ts'
import { bits, context, DerReader, enter, integer, NotDer, octets, oid, oidOf, sequence, TAG, time, tlv } from './der.ts'
import { KEY_KINDS, keyIdentifier, signDer } from './signing-key.ts'
import type { IsRevoked } from './x509-svid.ts'

/** Why a certificate is believed no more (RFC 5280 §5.3.1). */
export const REASONS = {
  unspecified: 0,
  key_compromise: 1,
  affiliation_changed: 3,
  superseded: 4,
  cessation_of_operation: 5,
  privilege_withdrawn: 9,
} as const

export type Reason = keyof typeof REASONS

/** A certificate that is not to be believed. */
export interface Listed {
  /** In lower-case hex without leading zeros. */
  readonly serial: string
  /** When it was revoked, in milliseconds. */
  readonly at: number
  readonly reason: Reason
}

export interface CrlSpec {
  /** Grows from list to list of one authority. */
  readonly number: number
  /** Milliseconds. */
  readonly thisUpdate: number
  readonly nextUpdate: number
  readonly listed: readonly Listed[]
}

const VERSION_2 = integer(Buffer.of(1))
const REASON_CODE = oid('2.5.29.21')
const AUTHORITY_KEY = oid('2.5.29.35')
const CRL_NUMBER = oid('2.5.29.20')

/** A signed list in DER. */
export function issueCrl({ number, thisUpdate, nextUpdate, listed }: CrlSpec, { key, name }: Issuer): Buffer {
  const { algorithm } = KEY_KINDS[key.type]
  const authorityKey = sequence(AUTHORITY_KEY, octets(sequence(tlv(context(0, false), keyIdentifier(key.publicKey)))))
  const body = sequence(
    VERSION_2,
    algorithm,
    name,
    time(thisUpdate),
    time(nextUpdate),
    ...(listed.length > 0 ? [sequence(...listed.map(line))] : []), // absent where there is none (§5.1.2.6)
    tlv(context(0), sequence(authorityKey, sequence(CRL_NUMBER, octets(integer(bytesOf(number.toString(16))))))),
  )
  return sequence(body, algorithm, bits(signDer(key, body)))
}

function line({ serial, at, reason }: Listed): Buffer {
  const code = REASONS[reason]
  // The code for "unspecified" is left out (§5.3.1).
  const why = code === 0 ? [] : [sequence(sequence(REASON_CODE, octets(tlv(TAG.enumerated, Buffer.of(code)))))]
  return sequence(integer(bytesOf(serial)), time(at), ...why)
}

const bytesOf = (hex: string): Buffer => Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')

/** What a list says; whose signature it bears is for the reader to know. */
export interface Crl {
  /** Key identifier of the authority, in hex. */
  readonly authority: string
  readonly number: number
  /** In lower-case hex without leading zeros. */
  readonly serials: ReadonlySet<string>
}

/** Throws NotDer. */
export function readCrl(der: Buffer): Crl {
  const body = enter(der).into()
  body.maybe(TAG.integer)
  for (const tag of [TAG.sequence, TAG.sequence]) body.next(tag)
  for (let times = 0; times < 2; times++) body.next(body.tag === TAG.utcTime ? TAG.utcTime : TAG.time)
  const listed = body.maybe(TAG.sequence)
  const extensions = new Map<string, Buffer>()
  for (const each = enter(body.next(context(0)).whole, context(0)).into(); !each.atEnd; ) {
    const extension = each.into()
    const id = oidOf(extension.next(TAG.oid))
    if (extension.maybe(TAG.boolean)) throw new NotDer('a critical extension of a CRL') // such a list does not say all by itself
    extensions.set(id, extension.next(TAG.bytes).content)
  }
  const authority = enter(extensionIn(extensions, '2.5.29.35')).next(context(0, false)).content.toString('hex')
  const number = new DerReader(extensionIn(extensions, '2.5.29.20')).next(TAG.integer).content
  return { authority, number: Number(`0x${number.toString('hex')}`), serials: new Set(listed ? serialsIn(listed.content) : []) }
}

/** What these lists (in DER) name. Throws NotDer. */
export function listedIn(crls: readonly Buffer[]): IsRevoked {
  const serials = new Map(crls.map(readCrl).map((crl) => [crl.authority, crl.serials]))
  return ({ authority, serial }) => serials.get(authority)?.has(serial) ?? false
}

function extensionIn(extensions: ReadonlyMap<string, Buffer>, id: string): Buffer {
  const found = extensions.get(id)
  if (!found) throw new NotDer(`a CRL without extension ${id}`)
  return found
}

function* serialsIn(lines: Buffer): Generator<string> {
  for (const reader = new DerReader(lines); !reader.atEnd; ) yield serialText(reader.into().next(TAG.integer).content.toString('hex'))
}
