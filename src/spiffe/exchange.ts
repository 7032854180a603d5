// Exchange: a token that a login gave becomes an SVID where a role says so, for those who have no agent beside them.
import { Fault } from '../base/fault.ts'
import type { Token } from '../contract/token.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { checkIdTemplate, fillIdTemplate } from './id-template.ts'
import { isBelow, parseSpiffeId, type SpiffeId } from '../crypto/spiffe-id.ts'
import type { Part } from './parts.ts'
import type { Place } from './place.ts'
import type { SettingsRoom } from './settings.ts'

export const EXCHANGED = ['x509', 'jwt', 'wit'] as const
export type Exchanged = (typeof EXCHANGED)[number]

export interface ExchangeRole {
  readonly name: string
  /** Accessors of the auth mounts whose logins count. Tokens made from tokens never do: their metadata is whatever their maker wrote. */
  readonly mountAccessors: readonly string[]
  /** Policies of which the token must have all. */
  readonly policies: readonly string[]
  /** What the token's metadata must say. */
  readonly metadata: Readonly<Record<string, string>>
  /** A template of the ID that it gets. */
  readonly spiffeId: string
  /** Empty for X509- and JWT-SVIDs. */
  readonly svidTypes: readonly string[]
  /** Audiences that JWT-SVIDs may be for; none where it is empty. */
  readonly audiences: readonly string[]
  /** Seconds; 0 for the trust domain's own. No SVID outlives the token. */
  readonly ttl: number
}

export interface Exchange {
  get(name: string): ExchangeRole | undefined
  names(): string[]
  put(role: ExchangeRole): Promise<void>
  remove(name: string): Promise<void>
  /** The ID that a token may have by a role, and for how many seconds. Throws `denied`. */
  admit(name: string, type: Exchanged, caller: Token): Admitted
  /** The roles of a namespace alone, which give identities in its part. */
  within(part: Part): Exchange
}

export interface Admitted {
  readonly role: ExchangeRole
  readonly id: SpiffeId
  readonly ttl: number
}

export const roles = records<ExchangeRole>('exchange-role/')
/** Names have no slash, so that the roles of a namespace are none of the root's. */
const nameIn = (part: Part | undefined, name: string): string => (part ? `${part.namespace}/${name}` : name)
const CACHED = 500

export interface ExchangeDeps {
  readonly place: Place
  readonly settings: SettingsRoom
  readonly now: () => number
}

export function openExchange(deps: ExchangeDeps): Exchange {
  const { place } = deps
  const cached = place.keyed(roles.key(''), (name) => roles.get(place.store, name), CACHED)
  return open(deps, cached, undefined)
}

function open(deps: ExchangeDeps, cached: (name: string) => ExchangeRole | undefined, part: Part | undefined): Exchange {
  const { place, settings, now } = deps
  const { store } = place
  const get = (name: string) => (name.includes('/') ? undefined : cached(nameIn(part, name)))
  return {
    get,
    names: () => namesIn(store, part),
    async put(role) {
      check(role, settings, part)
      await transact(store, (tx) => roles.put(tx, nameIn(part, role.name), role))
    },
    async remove(name) {
      await transact(store, (tx) => {
        if (roles.get(tx, nameIn(part, name))) roles.delete(tx, nameIn(part, name))
      })
    },
    admit(name, type, caller) {
      const role = get(name)
      if (!role || !isFor(role, type, caller)) throw new Fault('denied', `role ${JSON.stringify(name)} is not for this token`)
      const { trustDomain, x509SvidTtl, jwtSvidTtl, witSvidTtl } = settings.needKind(type)
      const usual = { x509: x509SvidTtl, jwt: jwtSvidTtl, wit: witSvidTtl || x509SvidTtl }
      const facts = { metadata: caller.metadata ?? {}, mountAccessor: caller.mountAccessor }
      const id = fillIdTemplate(role.spiffeId, facts, trustDomain)
      const left = caller.expiresAt === undefined ? Number.POSITIVE_INFINITY : Math.floor((caller.expiresAt - now()) / 1000)
      const ttl = Math.min(role.ttl || usual[type], left)
      if (ttl < 1) throw new Fault('denied', 'this token ends too soon')
      return { role, id, ttl }
    },
    within: (other) => open(deps, cached, other),
  }
}

function namesIn(store: Pick<Store, 'keys'>, part: Part | undefined): string[] {
  const prefix = nameIn(part, '')
  return roles
    .ids(store, { prefix })
    .map((id) => id.slice(prefix.length))
    .filter((name) => !name.includes('/'))
}

/** The roles of a namespace that has no part any more. */
export async function removeRolesOf(store: Store, part: Part): Promise<void> {
  for (const name of namesIn(store, part)) await transact(store, (tx) => roles.delete(tx, nameIn(part, name)))
}

/** Those that a role gives which names none: a role from before there were others gives no more than it did. */
const UNLESS_SAID: readonly string[] = ['x509', 'jwt'] satisfies Exchanged[]

/** Nobody is told which of the conditions a token doesn't meet. */
function isFor(role: ExchangeRole, type: Exchanged, { mountAccessor, policies, metadata = {} }: Token): boolean {
  if (mountAccessor === '' || !role.mountAccessors.includes(mountAccessor)) return false
  if (!(role.svidTypes.length > 0 ? role.svidTypes : UNLESS_SAID).includes(type)) return false
  if (!role.policies.every((name) => policies.includes(name))) return false
  return Object.entries(role.metadata).every(([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value)
}

function check(role: ExchangeRole, settings: SettingsRoom, part: Part | undefined): void {
  checkIdTemplate(role.spiffeId, settings.need().trustDomain)
  // What stands before the first value is the same in every ID that is made.
  const fixed = role.spiffeId.replace(/\{\{.*$/s, 'x')
  if (part && !isBelow(parseSpiffeId(fixed), part.prefix)) throw new Fault('invalid', `this namespace names IDs below ${part.prefix} only`)
  if (role.mountAccessors.length === 0) throw new Fault('invalid', 'a role needs bound_mount_accessors: the auth mounts whose logins count')
  const odd = role.svidTypes.find((type) => !EXCHANGED.some((one) => one === type))
  if (odd !== undefined) throw new Fault('invalid', `svid_types: "${odd}" is none of ${EXCHANGED.join(', ')}`)
}
