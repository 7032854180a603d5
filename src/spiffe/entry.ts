// A registration entry: which workload, described by selectors below a parent, is to have which SPIFFE ID.
import { createHash } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isAttribute, type Name } from '../crypto/certificate.ts'
import { parseSpiffeId, parseTrustDomain, pathOf, type SpiffeId, spiffeId, type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'
import { checkSelector, checkSelectorForm, formatSelector, normalSelectors, type Selector } from './selectors.ts'

/** Times in wall milliseconds, durations in seconds; 0 means "not set". */
export interface Entry {
  readonly id: string
  readonly spiffeId: SpiffeId
  /** An agent, a node alias, or the server's own ID for entries that are node aliases themselves. */
  readonly parentId: SpiffeId
  readonly selectors: readonly Selector[]
  readonly x509SvidTtl: number
  readonly jwtSvidTtl: number
  readonly federatesWith: readonly TrustDomain[]
  readonly admin: boolean
  readonly downstream: boolean
  readonly expiresAt: number
  readonly dnsNames: readonly string[]
  readonly storeSvid: boolean
  readonly hint: string
  /** Subject of X509-SVIDs, for servers that read nothing else of a certificate; empty for the usual one. */
  readonly subject: Name
  readonly disableX509Prefetch: boolean
  readonly includeJti: boolean
  readonly createdAt: number
  /** Counts the changes of this entry, from 0. */
  readonly revision: number
  /** Id of the namespace that it was made in; '' for the root. */
  readonly namespace: string
}

/** Parent of node aliases: entries whose selectors describe nodes. */
export const serverId = (trustDomain: TrustDomain): SpiffeId => spiffeId(trustDomain, '/spire/server')

/** Throws `invalid` for names of servers and agents, which no workload has. */
export function checkUnreserved(id: SpiffeId): void {
  if (`${pathOf(id)}/`.startsWith('/spire/')) throw new Fault('invalid', 'paths below /spire are reserved')
}

export const isAlias = ({ parentId }: Pick<Entry, 'parentId'>): boolean => parentId === serverId(trustDomainOf(parentId))

/** What its maker says of an entry; the room adds the rest. */
export type EntrySpec = Omit<Entry, 'id' | 'createdAt' | 'revision'> & { readonly id?: string }

/** An entry of which nothing special is said. */
export const PLAIN_ENTRY = {
  selectors: [],
  x509SvidTtl: 0,
  jwtSvidTtl: 0,
  federatesWith: [],
  admin: false,
  downstream: false,
  expiresAt: 0,
  dnsNames: [],
  storeSvid: false,
  hint: '',
  subject: [],
  disableX509Prefetch: false,
  includeJti: false,
} satisfies Partial<EntrySpec>

const MAX_HINT_BYTES = 1024
const MAX_SELECTORS = 100
const MAX_DNS_NAMES = 100
const ID = /^[A-Za-z0-9._-]{1,255}$/
/** What the API calls below its entries is no id of one. */
const RESERVED: ReadonlySet<string> = new Set(['batch', 'explain'])
const DNS_LABEL = /^(?!-)[A-Za-z0-9_-]{1,63}(?<!-)$/

/** Parsed and put in order, or a Fault `invalid` that says what can't be. `home` is the trust domain, `server` the ID of the server itself. */
export function checkEntry(spec: EntrySpec, home: TrustDomain): EntrySpec {
  const spiffeId = parseSpiffeId(spec.spiffeId)
  const parentId = parseSpiffeId(spec.parentId)
  checkIds(spiffeId, parentId, home)
  if (spec.id !== undefined) checkId(spec.id)
  if (spec.selectors.length === 0) throw new Fault('invalid', 'missing selector list')
  if (spec.selectors.length > MAX_SELECTORS) throw new Fault('invalid', `an entry has at most ${MAX_SELECTORS} selectors`)
  spec.selectors.forEach(spec.storeSvid ? checkSelectorForm : checkSelector)
  if (spec.dnsNames.length > MAX_DNS_NAMES) throw new Fault('invalid', `an entry has at most ${MAX_DNS_NAMES} DNS names`)
  spec.dnsNames.forEach(checkDnsName)
  if (spec.storeSvid && new Set(spec.selectors.map(({ type }) => type)).size > 1) {
    throw new Fault('invalid', 'the selectors of an entry with store_svid must be of one type')
  }
  if (Buffer.byteLength(spec.hint) > MAX_HINT_BYTES) throw new Fault('invalid', `a hint has at most ${MAX_HINT_BYTES} bytes`)
  if (spec.expiresAt < 0 || spec.x509SvidTtl < 0 || spec.jwtSvidTtl < 0) throw new Fault('invalid', 'times cannot be negative')
  const federatesWith = [...new Set(spec.federatesWith.map(parseTrustDomain))].sort()
  if (federatesWith.includes(home)) throw new Fault('invalid', `"${home}" is this trust domain, and no foreign one`)
  return { ...spec, spiffeId, parentId, selectors: normalSelectors(spec.selectors), federatesWith }
}

function checkId(id: string): void {
  if (!ID.test(id)) throw new Fault('invalid', 'an entry ID is made of letters, digits, dots, dashes and underscores')
  if (RESERVED.has(id)) throw new Fault('invalid', `an entry cannot have the ID "${id}"`)
}

function checkIds(spiffeId: SpiffeId, parentId: SpiffeId, home: TrustDomain): void {
  for (const [id, what] of [
    [spiffeId, 'spiffe_id'],
    [parentId, 'parent_id'],
  ] as const) {
    if (trustDomainOf(id) !== home) throw new Fault('invalid', `${what} "${id}" is not a member of trust domain "${home}"`)
  }
  if (pathOf(spiffeId) === '') throw new Fault('invalid', `spiffe_id "${spiffeId}" has no path`)
  checkUnreserved(spiffeId)
  if (pathOf(parentId) === '') throw new Fault('invalid', `parent_id "${parentId}" has no path`)
}

function checkDnsName(name: string): void {
  const labels = name.split('.')
  const bare = labels[0] === '*' ? labels.slice(1) : labels
  if (name.length > 253 || bare.length === 0 || !bare.every((label) => DNS_LABEL.test(label)))
    throw new Fault('invalid', `invalid DNS name "${name}"`)
}

/** What may not be twice: the same ID for the same workload under the same parent. */
export function identityOf({ spiffeId, parentId, selectors }: Pick<Entry, 'spiffeId' | 'parentId' | 'selectors'>): string {
  return createHash('sha256')
    .update([spiffeId, parentId, ...selectors.map(formatSelector)].join('\0'))
    .digest('base64url')
}

/** `CN=web,O=Signet` (RFC 4514 without escapes), in the order in which it will be written. Throws `invalid`. */
export function parseSubject(text: string): Name {
  if (text.trim() === '') return []
  return text.split(',').map((part) => {
    const [attribute = '', ...rest] = part.split('=')
    const name = attribute.trim()
    const value = rest.join('=').trim()
    if (!isAttribute(name)) throw new Fault('invalid', `subject: unknown attribute "${name}"`)
    if (value === '' || /[\p{C}\\"+;<>#]/u.test(value)) throw new Fault('invalid', `subject: "${value}" cannot be the value of ${name}`)
    return [name, value] as const
  })
}

export const formatSubject = (name: Name): string => name.map(([attribute, value]) => `${attribute}=${value}`).join(',')

/** The entry's own subject; otherwise the organisation, and the first DNS name as common name, as SPIRE has it. */
export function subjectOf({ subject, dnsNames }: Pick<Entry, 'subject' | 'dnsNames'>): Name {
  if (subject.length > 0) return subject
  const [first] = dnsNames
  return first === undefined
    ? [['O', 'Signet']]
    : [
        ['O', 'Signet'],
        ['CN', first],
      ]
}
