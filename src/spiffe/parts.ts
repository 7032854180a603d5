// Parts of a trust domain that namespaces have: the prefix that their IDs lie below, and what else their entries may name.
import { Fault } from '../base/fault.ts'
import type { Name } from '../crypto/certificate.ts'
import { checkPath, isBelow, parseSpiffeId, type SpiffeId, type TrustDomain, trustDomainOf } from '../crypto/spiffe-id.ts'
import { records } from '../store/records.ts'
import { transact } from '../store/transact.ts'
import type { EntrySpec } from './entry.ts'
import type { Place } from './place.ts'
import type { SettingsRoom } from './settings.ts'

export interface Part {
  /** Id of the namespace, which no other one ever has. */
  readonly namespace: string
  /** Its path; ends in a slash. */
  readonly path: string
  /** `/ns/team`: its IDs lie below this, segment by segment. */
  readonly prefix: string
  /** IDs of agents, or that agents have, below which its entries may be, besides its own. */
  readonly parents: readonly SpiffeId[]
  /** DNS names that its SVIDs may have are these, or below these. */
  readonly dnsSuffixes: readonly string[]
  /** What was made in it is being removed. */
  readonly ending: boolean
}

export interface Parts {
  /** Undefined for a namespace that has none, or none any more. */
  of(namespace: string): Part | undefined
  /** Those that are ending too. */
  all(): readonly Part[]
  /** Throws `invalid`. */
  put(part: Omit<Part, 'ending'>): Promise<void>
  /** Its namespace has it no more; what was made in it is removed as due work. */
  end(namespace: string): Promise<void>
  /** Once all is removed. */
  forget(namespace: string): Promise<void>
}

export const parts = records<Part>('part/')

export function openParts({ place, settings }: { readonly place: Place; readonly settings: SettingsRoom }): Parts {
  const { store } = place
  const all = place.cache(parts.key(''), () => parts.ids(store).flatMap((id) => parts.get(store, id) ?? []))
  return {
    of: (namespace) => all().find((part) => part.namespace === namespace && !part.ending),
    all,
    async put(given) {
      const part = { ...given, ending: false }
      check(part, settings.need().trustDomain)
      const others = [...all()].sort((a, b) => (a.path < b.path ? -1 : 1)).map(({ namespace }) => namespace)
      await transact(store, (tx) => {
        if (parts.get(tx, part.namespace)?.ending) throw new Fault('invalid', 'what was made there before is still being removed')
        for (const id of others) {
          const other = id === part.namespace ? undefined : parts.get(tx, id)
          if (other) checkApart(part, other)
        }
        parts.put(tx, part.namespace, part)
      })
    },
    async end(namespace) {
      await transact(store, (tx) => {
        const part = parts.get(tx, namespace)
        if (part) parts.put(tx, namespace, { ...part, ending: true })
      })
    },
    forget: (namespace) => transact(store, (tx) => parts.delete(tx, namespace)),
  }
}

function check({ prefix, parents }: Part, home: TrustDomain): void {
  if (prefix === '') throw new Fault('invalid', 'a prefix is needed, such as /ns/team')
  checkPath(prefix)
  if (prefix === '/spire' || prefix.startsWith('/spire/')) throw new Fault('invalid', 'paths below /spire are reserved')
  const foreign = parents.find((id) => trustDomainOf(parseSpiffeId(id)) !== home)
  if (foreign !== undefined) throw new Fault('invalid', `"${foreign}" is not a member of trust domain "${home}"`)
}

/** No ID is of two namespaces, but of one and of those that it is in. */
function checkApart(one: Part, other: Part): void {
  for (const [outer, inner] of [
    [one, other],
    [other, one],
  ] as const) {
    const holds = `${inner.prefix}/`.startsWith(`${outer.prefix}/`)
    if (holds && !inner.path.startsWith(outer.path))
      throw new Fault('invalid', `prefix ${one.prefix} overlaps with ${other.prefix} of namespace ${other.path}`)
  }
}

/** Throws `invalid` for an ID that shall administer the trust domain, or issue under it, while a namespace could give it to anybody. */
export function checkPower(parts: readonly Part[], id: SpiffeId): void {
  const part = parts.find(({ prefix }) => isBelow(id, prefix))
  if (part) throw new Fault('invalid', `"${id}" is of namespace ${part.path}, whose IDs have no power over the trust domain`)
}

type Named = Pick<EntrySpec, 'spiffeId' | 'dnsNames' | 'subject'>

/** Throws `invalid` for names that are not this namespace's to give. */
export function checkNames(part: Part, { spiffeId, dnsNames, subject }: Named): void {
  if (!isBelow(spiffeId, part.prefix)) throw new Fault('invalid', `this namespace names IDs below ${part.prefix} only`)
  const other = dnsNames.find((name) => !part.dnsSuffixes.some((suffix) => isWithin(name.toLowerCase(), suffix)))
  if (other !== undefined) throw new Fault('invalid', `this namespace has no DNS name "${other}"`)
  if (!isOwnSubject(subject, spiffeId))
    throw new Fault('invalid', 'the subject of an SVID can only have CN=<its SPIFFE ID> and O=Signet in this namespace')
}

/** Throws `invalid` for an entry that is not this namespace's to make. */
export function checkEntryOf(part: Part, spec: EntrySpec): void {
  checkNames(part, spec)
  const { parentId, admin, downstream } = spec
  if (!isBelow(parentId, part.prefix) && !part.parents.includes(parentId)) throw new Fault('invalid', `this namespace has no parent "${parentId}"`)
  if (admin || downstream) throw new Fault('invalid', 'entries of a namespace are neither admin nor downstream')
}

const isWithin = (name: string, suffix: string): boolean => name === suffix || name.endsWith(`.${suffix}`)

/** A database that looks at the subject alone must not take one namespace's workload for another's. */
function isOwnSubject(subject: Name, id: SpiffeId): boolean {
  return subject.every(([attribute, value]) => (attribute === 'CN' && value === id) || (attribute === 'O' && value === 'Signet'))
}
