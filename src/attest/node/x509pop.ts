// x509pop: the node owns the key of a certificate that an authority signed which is trusted for that, or of an SVID of this trust domain.
import { constants, type KeyObject, verify, type X509Certificate } from 'node:crypto'
import { bool, choice, int, or, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { formatCidr, parseCidr } from '../../base/cidr.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import { isBelow, pathOf } from '../../crypto/spiffe-id.ts'
import { openPresented, PATH_LIMITS, type PathLimits, verifyPath, type VerifiedLeaf } from '../../crypto/x509-path.ts'
import { commonNamesOf, extensionsOf, openCertificate } from '../../crypto/x509-reading.ts'
import { verifyX509Svid } from '../../crypto/x509-svid.ts'
import { parseAuthorities } from '../ca-bundle.ts'
import { fingerprint } from '../fingerprint.ts'
import { bytesListOf, bytesOf, formatMessage, parseMessage } from '../go-json.ts'
import { bothNonces, newNonce } from '../nonces.ts'
import { parseTemplate, type PathTemplate, renderTemplate } from '../path-template.ts'

const TYPE = 'x509pop'

const settings = {
  mode: or(choice('Whose certificates: those of `ca_bundle`, or SVIDs of this trust domain.', ['external_pki', 'spiffe']), 'external_pki'),
  ca_bundle: or(text('PEM of the authorities whose certificates are taken.'), ''),
  spiffe_prefix: or(text('In mode `spiffe`: only SVIDs with paths below this are taken.'), '/spire-exchange/'),
  agent_path_template: or(
    text('Path of the agent, such as `/x509pop/{{ .Subject.CommonName }}`; by the fingerprint of its certificate otherwise.'),
    '',
  ),
  max_intermediates: or(int('Certificates between the leaf and an authority, at most.'), PATH_LIMITS.intermediates),
  max_rsa_key_size: or(int('Bits of an RSA key, at most.'), PATH_LIMITS.rsaBits),
  verify_client_ip: or(bool('The certificate must name the address that the node connects from.'), false),
}

interface Config {
  /** Undefined in mode `spiffe`. */
  readonly authorities: readonly X509Certificate[] | undefined
  /** Without the slash at its end. */
  readonly prefix: string
  readonly template: PathTemplate
  readonly limits: PathLimits
  readonly verifiesAddress: boolean
}

export const x509pop = nodeAttestor({
  type: TYPE,
  doc: 'Possession of the key of an X.509 certificate.',
  settings,
  configure,
  parse: (payload) => bytesListOf(parseMessage(payload, 'data')['certificates'], 'certificates'),
  async *verify(ctx, config, chain) {
    const presented = openPresented(chain, config.limits)
    const trimmed = config.authorities ? '' : trimmedPath(ctx, config, chain)
    const verified = verifyPath(presented, config.authorities ?? ctx.authorities.map(openCertificate), ctx.clock.now())
    const { leaf } = verified
    if (config.verifiesAddress) checkAddress(leaf, ctx.address)
    const kind = kindOf(leaf)
    const nonce = newNonce(ctx.random)
    const answer = yield formatMessage({ [kind]: { nonce: nonce.toString('base64') } })
    checkResponse(leaf.publicKey, kind, nonce, parseMessage(answer, 'challenge response'))
    const sans = uriSelectors(leaf, ctx.trustDomain)
    const path = renderTemplate(config.template, valuesOf(leaf, trimmed, sans), ctx.trustDomain)
    return { path, selectors: selectorsOf(verified, sans), canReattest: true }
  },
})

/** What a template may name. */
const FIELDS = {
  Fingerprint: 'text',
  SerialNumberHex: 'text',
  'Subject.CommonName': 'text',
  SVIDPathTrimmed: 'path',
  URISanSelectors: 'map',
} as const

function configure(given: Values<typeof settings>): Config {
  const spiffe = given.mode === 'spiffe'
  if (spiffe && given.ca_bundle !== '') throw new Fault('invalid', 'ca_bundle cannot be used in mode "spiffe"')
  if (!spiffe && given.ca_bundle === '') throw new Fault('invalid', 'ca_bundle is needed in mode "external_pki"')
  if (given.max_intermediates < 0 || given.max_intermediates > 8) throw new Fault('invalid', 'max_intermediates must be from 0 to 8')
  if (given.max_rsa_key_size < 2048 || given.max_rsa_key_size > PATH_LIMITS.rsaBits) {
    throw new Fault('invalid', `max_rsa_key_size must be from 2048 to ${PATH_LIMITS.rsaBits}`)
  }
  if (!given.spiffe_prefix.startsWith('/')) throw new Fault('invalid', 'spiffe_prefix must begin with a slash')
  const usual = spiffe ? '{{ .SVIDPathTrimmed }}' : '{{ .Fingerprint }}'
  return {
    authorities: spiffe ? undefined : parseAuthorities(given.ca_bundle, 'ca_bundle'),
    prefix: given.spiffe_prefix.replace(/\/$/, ''),
    template: parseTemplate(given.agent_path_template || `/${TYPE}/${usual}`, TYPE, FIELDS),
    limits: { intermediates: given.max_intermediates, rsaBits: given.max_rsa_key_size },
    verifiesAddress: given.verify_client_ip,
  }
}

/** Of an SVID of the trust domain itself. */
function trimmedPath({ clock, trustDomain, authorities, isRevoked }: AttestCtx, { prefix }: Config, chain: readonly Buffer[]): string {
  try {
    const { id } = verifyX509Svid(chain, clock.now(), (domain) => (domain === trustDomain ? authorities : undefined), isRevoked)
    if (isBelow(id, prefix)) return pathOf(id).slice(prefix.length + 1)
  } catch (error) {
    throw error instanceof Fault ? new Fault('denied', `certificate verification failed: ${error.message}`) : error
  }
  throw new Fault('denied', 'the SPIFFE ID of the certificate is not below spiffe_prefix')
}

function checkAddress(leaf: X509Certificate, address: string): void {
  const named = extensionsOf(leaf).addresses.map(formatAddress)
  if (!named.includes(formatCidr(parseCidr(address.replace(/%.*$/, ''))))) {
    throw new Fault('denied', `client IP ${address} does not match any IP address of the certificate`)
  }
}

function formatAddress(bytes: Buffer): string {
  const text = bytes.length === 4 ? bytes.join('.') : (bytes.toString('hex').match(/.{4}/g) ?? []).join(':')
  return bytes.length === 4 || bytes.length === 16 ? formatCidr(parseCidr(text)) : ''
}

type Kind = 'rsa_signature' | 'ecdsa_signature'

const KINDS: Readonly<Record<string, Kind | undefined>> = { rsa: 'rsa_signature', ec: 'ecdsa_signature' }

function kindOf(leaf: X509Certificate): Kind {
  if (!extensionsOf(leaf).usage?.digitalSignature) throw new Fault('denied', 'certificate not intended for digital signature use')
  const kind = KINDS[leaf.publicKey.asymmetricKeyType ?? '']
  if (!kind) throw new Fault('invalid', `unsupported public key type ${leaf.publicKey.asymmetricKeyType}`)
  return kind
}

/** The key decides how it signs, whatever the answer says. */
function checkResponse(key: KeyObject, kind: Kind, nonce: Buffer, answer: JsonObject): void {
  const response = answer[kind]
  if (!isObject(response)) throw new Fault('denied', `challenge response verification failed: expecting ${kind}`)
  const message = bothNonces(nonce, bytesOf(response['nonce'], 'nonce'))
  const isSigned = kind === 'rsa_signature' ? isSignedByRsa(key, message, response) : isSignedByEc(key, message, response)
  if (!isSigned) throw new Fault('denied', 'challenge response verification failed: signature verify failed')
}

function isSignedByRsa(key: KeyObject, message: Buffer, { signature }: JsonObject): boolean {
  const how = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  return verify('sha256', message, how, bytesOf(signature, 'signature'))
}

const CURVE_BYTES: Readonly<Record<string, number | undefined>> = { prime256v1: 32, secp384r1: 48, secp521r1: 66 }

function isSignedByEc(key: KeyObject, message: Buffer, { r, s }: JsonObject): boolean {
  const size = CURVE_BYTES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 0
  const numbers = [bytesOf(r, 'r'), bytesOf(s, 's')]
  if (numbers.some(({ length }) => length === 0 || length > size)) return false
  const signature = Buffer.concat(numbers.map((number) => Buffer.concat([Buffer.alloc(size - number.length), number])))
  return verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
}

const serialNumber = (leaf: X509Certificate): string => leaf.serialNumber.toLowerCase()

function valuesOf(leaf: X509Certificate, trimmed: string, sans: Readonly<Record<string, string>>) {
  return {
    Fingerprint: fingerprint(leaf),
    SerialNumberHex: serialNumber(leaf),
    'Subject.CommonName': commonNamesOf(leaf).subject,
    SVIDPathTrimmed: trimmed,
    URISanSelectors: sans,
  }
}

/** `x509pop://<trust domain>/<key>/<value>` among the alternative names. */
function uriSelectors(leaf: X509Certificate, trustDomain: string): Record<string, string> {
  const prefix = `${TYPE}://${trustDomain}/`
  const pairs = extensionsOf(leaf).uris.flatMap((uri): [string, string][] => {
    const [, key, value] = (uri.startsWith(prefix) && /^([^/?#%:]+)\/([^?#%]+?)\/*$/.exec(uri.slice(prefix.length))) || []
    return key === undefined || value === undefined ? [] : [[key, value]]
  })
  return Object.fromEntries(pairs)
}

function selectorsOf({ leaf, above }: VerifiedLeaf, sans: Readonly<Record<string, string>>): string[] {
  const { subject } = commonNamesOf(leaf)
  return [
    ...(subject === '' ? [] : [`subject:cn:${subject}`]),
    ...above.map((one) => `ca:fingerprint:${fingerprint(one)}`),
    `serialnumber:${serialNumber(leaf)}`,
    ...Object.entries(sans).map(([key, value]) => `san:${key}:${value}`),
  ]
}
