// The authorities of a trust domain as a pure value: prepared → active → old, and what the clock makes due.
import { Fault } from '../base/fault.ts'
import type { KeyType } from '../crypto/signing-key.ts'

export const KINDS = ['x509', 'jwt', 'wit'] as const
export type Kind = (typeof KINDS)[number]
/** Those that sign tokens; a key of one signs and believes nothing of another. */
export type TokenKind = Exclude<Kind, 'x509'>
export type AuthorityState = 'prepared' | 'active' | 'old'

/** Times in wall milliseconds; bytes as base64, as stored. */
export interface Authority {
  /** Subject key identifier in hex, or the `kid` of tokens. */
  readonly id: string
  readonly keyType: KeyType
  readonly state: AuthorityState
  readonly createdAt: number
  readonly expiresAt: number
  /** No longer to be trusted for new things; whatever it signed is to be replaced. */
  readonly tainted: boolean
  /** SubjectPublicKeyInfo. */
  readonly publicKey: string
  /** The certificate that consumers trust (X.509 only). */
  readonly root?: string
  /** Certificates between root and leaves, leaf side first: its own where an upstream authority signed it. */
  readonly chain?: readonly string[]
  /** Subject key identifier of the upstream authority. */
  readonly upstreamId?: string
}

/** An authority of somebody else that is published with ours: of a server below this one, or one that an operator added. */
export interface Guest {
  /** The certificate in base64, or the `kid` of tokens. */
  readonly id: string
  /** SubjectPublicKeyInfo in base64; '' for a certificate. */
  readonly publicKey: string
  /** 0 for never. */
  readonly expiresAt: number
  readonly tainted?: boolean
}

export interface Guests {
  readonly x509: readonly Guest[]
  readonly jwt: readonly Guest[]
  readonly wit: readonly Guest[]
}

export interface AuthoritySet {
  readonly x509: readonly Authority[]
  readonly jwt: readonly Authority[]
  readonly wit: readonly Authority[]
  readonly guests?: Guests
  /** What the server above publishes, of which ours is a part. */
  readonly above?: Guests
  /** Grows with every change of what is published. */
  readonly sequence: number
}

export const NO_GUESTS: Guests = { x509: [], jwt: [], wit: [] }
export const NO_AUTHORITIES: AuthoritySet = { x509: [], jwt: [], wit: [], sequence: 0 }

/** As it was stored, perhaps before there were WIT authorities. */
export function openSet(stored: AuthoritySet | undefined): AuthoritySet {
  if (!stored) return NO_AUTHORITIES
  const { guests, above } = stored
  const more = { ...(guests ? { guests: { ...NO_GUESTS, ...guests } } : {}), ...(above ? { above: { ...NO_GUESTS, ...above } } : {}) }
  return { ...NO_AUTHORITIES, ...stored, ...more }
}

/** Every authority of ours. */
export const allOf = (set: AuthoritySet): readonly Authority[] => KINDS.flatMap((kind) => set[kind])

const DAY = 86_400_000
const MAX_GUESTS = 200

export const activeOf = (set: AuthoritySet, kind: Kind): Authority | undefined => set[kind].find(({ state }) => state === 'active')
export const preparedOf = (set: AuthoritySet, kind: Kind): Authority | undefined => set[kind].find(({ state }) => state === 'prepared')

/** Adds a prepared authority, in place of one that was prepared and never used. */
export function withPrepared(set: AuthoritySet, kind: Kind, authority: Authority): AuthoritySet {
  return changed(set, kind, [...set[kind].filter(({ state }) => state !== 'prepared'), authority])
}

/** The prepared one signs from now on; the one that did is old. Throws `invalid`. */
export function withActivated(set: AuthoritySet, kind: Kind, id: string): AuthoritySet {
  need(set, kind, id, 'prepared', 'only prepared authorities can be activated')
  const step = (one: Authority): Authority => (one.id === id ? { ...one, state: 'active' } : one.state === 'active' ? { ...one, state: 'old' } : one)
  return changed(set, kind, set[kind].map(step))
}

/** Still published, marked: agents replace at once whatever it signed. Throws `invalid`. */
export function withTainted(set: AuthoritySet, kind: Kind, id: string): AuthoritySet {
  const { tainted, upstreamId } = need(set, kind, id, 'old', 'only old authorities can be tainted')
  if (upstreamId !== undefined) throw new Fault('invalid', "local authority can't be tainted if there is an upstream authority")
  if (tainted) throw new Fault('invalid', 'the authority is tainted already')
  return changed(
    set,
    kind,
    set[kind].map((one) => (one.id === id ? { ...one, tainted: true } : one)),
  )
}

/** No longer published: nobody believes it any more. Throws `invalid`. */
export function withRevoked(set: AuthoritySet, kind: Kind, id: string): AuthoritySet {
  const { upstreamId } = need(set, kind, id, 'old', 'only old authorities can be revoked')
  if (upstreamId !== undefined) throw new Fault('invalid', "local authority can't be revoked if there is an upstream authority")
  return changed(
    set,
    kind,
    set[kind].filter((one) => one.id !== id),
  )
}

/** Marks what an upstream authority signed, and itself: nothing in use may rest on it. Throws `invalid`. */
export function withUpstreamTainted(set: AuthoritySet, upstreamId: string): AuthoritySet {
  const signed = signedBy(set, upstreamId, 'tainted')
  if (signed.every(({ tainted }) => tainted)) throw new Fault('invalid', 'the upstream authority is tainted already')
  return changed(
    set,
    'x509',
    set.x509.map((one) => (signed.includes(one) ? { ...one, tainted: true } : one)),
  )
}

/** What it signed is believed no more. Throws `invalid`. */
export function withUpstreamRevoked(set: AuthoritySet, upstreamId: string): AuthoritySet {
  const signed = signedBy(set, upstreamId, 'revoked')
  return changed(
    set,
    'x509',
    set.x509.filter((one) => !signed.includes(one)),
  )
}

function signedBy(set: AuthoritySet, upstreamId: string, what: string): readonly Authority[] {
  const signed = set.x509.filter((one) => upstreamId !== '' && one.upstreamId === upstreamId)
  if (signed.length === 0) throw new Fault('invalid', `no upstream authority has the subject key ID "${upstreamId}"`)
  if (signed.some(({ state }) => state !== 'old'))
    throw new Fault('invalid', `only an upstream authority that signed old authorities alone can be ${what}`)
  return signed
}

/** Publishes these too. Throws `invalid` for an id that another key has, and for too many. */
export function withGuests(set: AuthoritySet, guests: Guests): AuthoritySet {
  const { guests: before = NO_GUESTS } = set
  const after: Guests = {
    x509: joined(set.x509, before.x509, guests.x509),
    jwt: joined(set.jwt, before.jwt, guests.jwt),
    wit: joined(set.wit, before.wit, guests.wit),
  }
  checkApart(set, after)
  if (KINDS.every((kind) => after[kind].length === before[kind].length)) return set
  return { ...set, guests: after, sequence: set.sequence + 1 }
}

/** A key id names one key in the whole bundle (WIT-SVID.md §6.1). Throws `invalid`. */
function checkApart(set: AuthoritySet, { jwt, wit }: Guests): void {
  const ids = new Set([...set.jwt, ...jwt].map(({ id }) => id))
  const twice = [...set.wit, ...wit].find(({ id }) => ids.has(id))
  if (twice) throw taken(twice.id)
}

const taken = (id: string): Fault => new Fault('invalid', `another authority has the key ID "${id}"`)

/** There are no WIT-SVIDs any more: no key of any is published. */
export function withoutWit(set: AuthoritySet): AuthoritySet {
  const { wit, guests = NO_GUESTS, above = NO_GUESTS } = set
  if (wit.length + guests.wit.length + above.wit.length === 0) return set
  return { ...set, wit: [], guests: { ...guests, wit: [] }, above: { ...above, wit: [] }, sequence: set.sequence + 1 }
}

/** Follows the server above: what it took out of the bundle goes here too, and what it tainted is tainted. */
export function withAbove(set: AuthoritySet, above: Guests): AuthoritySet {
  const ids = new Set([...set.jwt, ...set.wit].map(({ id }) => id))
  const others = (guests: readonly Guest[]) => guests.filter(({ id }) => !ids.has(id))
  const roots = new Map(above.x509.map((one) => [one.id, one.tainted === true]))
  const followed = set.x509
    .filter(({ state, root = '' }) => state !== 'old' || roots.has(root))
    .map((one) => (one.state === 'old' && roots.get(one.root ?? '') && !one.tainted ? { ...one, tainted: true } : one))
  const after: AuthoritySet = { ...set, x509: followed, above: { x509: above.x509, jwt: others(above.jwt), wit: others(above.wit) } }
  return JSON.stringify(after) === JSON.stringify(set) ? set : { ...after, sequence: set.sequence + 1 }
}

/** Of others: those that were added, and those of the server above. */
export function guestsOf({ guests = NO_GUESTS, above = NO_GUESTS }: AuthoritySet): Guests {
  const both = (kind: Kind): readonly Guest[] => [...guests[kind], ...above[kind]]
  return { x509: both('x509'), jwt: both('jwt'), wit: both('wit') }
}

function joined(own: readonly Authority[], before: readonly Guest[], more: readonly Guest[]): readonly Guest[] {
  const all = new Map(before.map((one) => [one.id, one]))
  for (const one of more) {
    const known = all.get(one.id) ?? own.find(({ id, root }) => (root ?? id) === one.id)
    if (known && one.publicKey !== '' && known.publicKey !== one.publicKey) throw taken(one.id)
    if (!known) all.set(one.id, one)
  }
  if (all.size > MAX_GUESTS) throw new Fault('invalid', `at most ${MAX_GUESTS} authorities of others can be published`)
  return [...all.values()]
}

/** Without those that expired a day ago. */
export function pruned(set: AuthoritySet, now: number): AuthoritySet {
  const expired = ({ expiresAt }: { readonly expiresAt: number }) => expiresAt > 0 && expiresAt + DAY <= now
  const kept = KINDS.reduce((left, kind) => {
    const some = left[kind].filter((one) => one.state !== 'old' || !expired(one))
    return some.length === left[kind].length ? left : changed(left, kind, some)
  }, set)
  const { guests: before = NO_GUESTS } = set
  if (!KINDS.some((kind) => before[kind].some(expired))) return kept
  const left = (kind: Kind): readonly Guest[] => before[kind].filter((one) => !expired(one))
  const guests: Guests = { x509: left('x509'), jwt: left('jwt'), wit: left('wit') }
  return { ...kept, guests, sequence: kept.sequence + 1 }
}

/** What is due for a kind: a new authority well before the active one ends, and its use once everyone has heard of it. */
export function dueFor(set: AuthoritySet, kind: Kind, now: number): 'prepare' | 'activate' | undefined {
  const active = activeOf(set, kind)
  const prepared = preparedOf(set, kind)
  if (!active) return prepared ? 'activate' : 'prepare'
  const life = active.expiresAt - active.createdAt
  if (!prepared) return now >= active.expiresAt - Math.min(life / 2, 30 * DAY) ? 'prepare' : undefined
  return now >= active.expiresAt - Math.min(life / 6, 7 * DAY) ? 'activate' : undefined
}

function need(set: AuthoritySet, kind: Kind, id: string, state: AuthorityState, otherwise: string): Authority {
  if (id === '') throw new Fault('invalid', 'no authority ID provided')
  const found = set[kind].find((one) => one.id === id)
  if (!found) throw new Fault('invalid', `no ${kind} authority has the ID "${id}"`)
  if (found.state !== state) throw new Fault('invalid', `${otherwise}; this one is ${found.state}`)
  return found
}

function changed(set: AuthoritySet, kind: Kind, authorities: readonly Authority[]): AuthoritySet {
  return { ...set, [kind]: authorities, sequence: set.sequence + 1 }
}
