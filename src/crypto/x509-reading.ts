// What a certificate says, read from the bytes that are signed: node:crypto shows names only as one printed text, and key usage not at all.
import { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { context, DerReader, enter, NotDer, oidOf, TAG } from './der.ts'

/** Throws `invalid`. */
export function openCertificate(der: Buffer): X509Certificate {
  try {
    return new X509Certificate(der)
  } catch {
    throw new Fault('invalid', 'malformed certificate')
  }
}

/** Throws `invalid` outside of the certificate's time; `now` in milliseconds. */
export function checkTime(certificate: X509Certificate, now: number): void {
  if (now < certificate.validFromDate.getTime()) throw new Fault('invalid', 'certificate is not yet valid')
  if (now > certificate.validToDate.getTime()) throw new Fault('invalid', 'certificate has expired')
}

export interface Extensions {
  /** URI subject alternative names. */
  readonly uris: readonly string[]
  /** DNS subject alternative names. */
  readonly dnsNames: readonly string[]
  /** IP address subject alternative names, 4 or 16 bytes each. */
  readonly addresses: readonly Buffer[]
  readonly authority: boolean
  readonly pathLength: number | undefined
  readonly usage: { readonly digitalSignature: boolean; readonly certSign: boolean; readonly crlSign: boolean } | undefined
  /** Its authority is for some names only, which nobody here checks. */
  readonly constrained: boolean
  /** Key identifier of who signed it, in hex; '' where it names none. */
  readonly issuerKey: string
}

const read = new WeakMap<X509Certificate, Extensions>()

/** Throws `invalid` for a certificate with a critical extension that is not understood, or one twice. */
export function extensionsOf(certificate: X509Certificate): Extensions {
  const known = read.get(certificate)
  if (known) return known
  const found = strictly(() => readExtensions(certificate.raw))
  read.set(certificate, found)
  return found
}

function strictly<T>(reading: () => T): T {
  try {
    return reading()
  } catch (error) {
    if (error instanceof NotDer) throw new Fault('invalid', 'malformed certificate')
    throw error
  }
}

/** Key usage, basic constraints, alternative names, extended key usage: a critical one beside these is refused (RFC 5280 §4.2). */
const UNDERSTOOD = new Set(['2.5.29.15', '2.5.29.19', '2.5.29.17', '2.5.29.37'])
const NAME_CONSTRAINTS = '2.5.29.30'

/** Issuer, validity, subject, key and extensions: what follows serial number and algorithm. */
function bodyOf(der: Buffer): DerReader {
  const body = enter(der).into()
  body.maybe(context(0))
  body.next(TAG.integer)
  body.next(TAG.sequence)
  return body
}

function readExtensions(der: Buffer): Extensions {
  const body = bodyOf(der)
  for (const tag of [TAG.sequence, TAG.sequence, TAG.sequence, TAG.sequence]) body.next(tag)
  body.maybe(context(1, false))
  body.maybe(context(2, false))
  const list = body.maybe(context(3))
  const values = new Map<string, Buffer>()
  for (const each = list ? enter(list.whole, context(3)).into() : new DerReader(Buffer.alloc(0)); !each.atEnd; ) {
    const extension = each.into()
    const id = oidOf(extension.next(TAG.oid))
    if (extension.maybe(TAG.boolean) && !UNDERSTOOD.has(id)) throw new NotDer('a critical extension that is not understood')
    if (values.has(id)) throw new NotDer('an extension twice')
    values.set(id, extension.next(TAG.bytes).content)
  }
  const names = namesOf(values.get('2.5.29.17'))
  return {
    uris: (names.get(context(6, false)) ?? []).map((name) => name.toString('latin1')),
    dnsNames: (names.get(context(2, false)) ?? []).map((name) => name.toString('latin1')),
    addresses: names.get(context(7, false)) ?? [],
    ...constraintsOf(values.get('2.5.29.19')),
    usage: usageOf(values.get('2.5.29.15')),
    constrained: values.has(NAME_CONSTRAINTS),
    issuerKey: issuerKeyOf(values.get('2.5.29.35')),
  }
}

/** By their tags. */
function namesOf(value: Buffer | undefined): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>()
  for (const names = value ? enter(value) : undefined; names && !names.atEnd; ) {
    const { tag, content } = names.next()
    found.set(tag, [...(found.get(tag) ?? []), content])
  }
  return found
}

function constraintsOf(value: Buffer | undefined): { authority: boolean; pathLength: number | undefined } {
  const constraints = value && enter(value)
  const authority = constraints?.maybe(TAG.boolean)?.content[0] === 0xff
  const length = constraints?.maybe(TAG.integer)?.content
  return { authority, pathLength: length && length.length <= 4 ? length.readUIntBE(0, length.length) : undefined }
}

function usageOf(value: Buffer | undefined): Extensions['usage'] {
  if (!value) return undefined
  const first = new DerReader(value).next(TAG.bits).content[1] ?? 0
  return { digitalSignature: (first & 0x80) !== 0, certSign: (first & 0x04) !== 0, crlSign: (first & 0x02) !== 0 }
}

function issuerKeyOf(value: Buffer | undefined): string {
  return (value && enter(value).maybe(context(0, false)))?.content.toString('hex') ?? ''
}

const COMMON_NAME = '2.5.4.3'
const ENCODINGS: Readonly<Record<number, BufferEncoding | undefined>> = { [TAG.utf8]: 'utf8', [TAG.printable]: 'latin1', [TAG.ia5]: 'latin1' }

/** The last common name of a name in DER (Go's reading, which is SPIRE's); '' where it has none, or one in an encoding of old. */
function commonName(name: DerReader): string {
  let found = ''
  while (!name.atEnd) {
    for (const parts = name.into(TAG.set); !parts.atEnd; ) {
      const part = parts.into()
      const id = oidOf(part.next(TAG.oid))
      const { tag, content } = part.next()
      const encoding = ENCODINGS[tag]
      if (id === COMMON_NAME && encoding) found = content.toString(encoding)
    }
  }
  return found
}

/** The common names of subject and issuer. Throws `invalid`. */
export function commonNamesOf(certificate: X509Certificate): { readonly subject: string; readonly issuer: string } {
  return strictly(() => {
    const body = bodyOf(certificate.raw)
    const issuer = commonName(body.into())
    body.next(TAG.sequence)
    return { issuer, subject: commonName(body.into()) }
  })
}

/** The object identifier of the algorithm that it is signed by. Throws `invalid`. */
export function algorithmOf(certificate: X509Certificate): string {
  return strictly(() => {
    const outer = enter(certificate.raw)
    outer.next(TAG.sequence)
    return oidOf(outer.into().next(TAG.oid))
  })
}
