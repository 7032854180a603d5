// The policies of one namespace: stored by name, compiled to an ACL per set of names, dropped when any of them changes.
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { type Acl, compileAcl } from './acl.ts'
import { DEFAULT_TEXT, RESPONSE_WRAPPING_TEXT, ROOT_POLICY } from './builtin.ts'
import { parsePolicy } from './parse.ts'
import type { Policy } from './policy.ts'
import type { TemplateIdentity } from './template.ts'

/** What the policies of a namespace live in: its store, and values that are made anew after keys under a prefix changed. */
export interface PolicySpace {
  readonly store: Store
  cache<T>(prefix: string, load: () => T): () => T
}

export interface NamedPolicy {
  readonly name: string
  readonly text: string
}

export interface Policies {
  /** By name in any case; undefined where there is none. */
  get(name: string): NamedPolicy | undefined
  /** Sorted, `default` included; `root` and `response-wrapping`, which nobody can edit, are not. */
  list(): string[]
  /** Creates or replaces; the text may be in base64. Resolves to warnings. Throws `invalid`, in Vault's words. */
  put(name: string, text: string): Promise<string[]>
  /** Also of what isn't there. Throws `invalid` for those that must stay. */
  delete(name: string): Promise<void>
  /** The names must be as stored: an unknown one, in whatever case, grants nothing. */
  aclFor(names: readonly string[], identity?: TemplateIdentity): Acl
}

const PREFIX = 'policy/'
const stored = records<{ readonly text: string }>(PREFIX)

const IMMUTABLE: ReadonlySet<string> = new Set(['root', 'response-wrapping'])

export function openPolicies(space: PolicySpace, clock: Pick<Clock, 'now'>): Policies {
  const { store } = space
  const compiled = space.cache(PREFIX, () => new AclCache((name) => load(store, name)))
  return {
    get(raw) {
      const name = lower(raw)
      const text = nameFault(name) === undefined ? textOf(store, name) : undefined
      return text === undefined ? undefined : { name, text }
    },
    list: () => [...new Set([...stored.ids(store), 'default'])].sort(),
    async put(raw, given) {
      const name = policyName(raw)
      const text = decodeText(given)
      parsePolicy(name, text)
      if (IMMUTABLE.has(name)) throw new Fault('invalid', `cannot update ${JSON.stringify(name)} policy`)
      await transact(store, (tx) => stored.put(tx, name, { text }))
      return name === raw ? [] : [`policy name was converted to ${name}`]
    },
    async delete(raw) {
      const name = policyName(raw)
      if (IMMUTABLE.has(name)) throw new Fault('invalid', `cannot delete ${JSON.stringify(name)} policy`)
      if (name === 'default') throw new Fault('invalid', 'cannot delete default policy')
      await transact(store, (tx) => {
        if (stored.get(tx, name)) stored.delete(tx, name)
      })
    },
    aclFor: (names, identity) => compiled().aclFor(names, identity, clock.now()),
  }
}

const MAX_NAME_BYTES = 512

/** The one gate for policy names: trimmed, lower case, printable. Throws `invalid`. */
export function policyName(raw: string): string {
  const name = lower(raw)
  const fault = nameFault(name)
  if (fault !== undefined) throw new Fault('invalid', fault)
  return name
}

function lower(raw: string): string {
  return raw.trim().toLowerCase()
}

function nameFault(name: string): string | undefined {
  if (name === '') return 'policy name must be provided in the URL'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `policy name is longer than ${MAX_NAME_BYTES} bytes`
  return /\p{C}/u.test(name) || name.normalize('NFC') !== name ? 'policy name contains unprintable characters' : undefined
}

function textOf(store: Store, name: string): string | undefined {
  if (name === 'root') return ROOT_POLICY.text
  if (name === 'response-wrapping') return RESPONSE_WRAPPING_TEXT
  return stored.get(store, name)?.text ?? (name === 'default' ? DEFAULT_TEXT : undefined)
}

function load(store: Store, name: string): Policy | undefined {
  if (name === 'root') return ROOT_POLICY
  const text = textOf(store, name)
  return text === undefined ? undefined : parsePolicy(name, text)
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

function decodeText(given: string): string {
  if (given === '') throw new Fault('invalid', "'policy' parameter not supplied or empty")
  const packed = given.replace(/[\r\n]/g, '')
  return packed !== '' && BASE64.test(packed) ? Buffer.from(packed, 'base64').toString() : given
}

/** Sets of names that are kept compiled; past it all are made anew. */
const MAX_KEPT = 2_000

interface CompiledSet {
  readonly policies: readonly Policy[]
  readonly acl: Acl
}

/** Lives as long as no policy changes. */
class AclCache {
  readonly #load: (name: string) => Policy | undefined
  readonly #policies = new Map<string, Policy | undefined>()
  readonly #sets = new Map<string, CompiledSet>()
  readonly #personal = new WeakMap<TemplateIdentity, Map<string, Acl>>()

  constructor(load: (name: string) => Policy | undefined) {
    this.#load = load
  }

  aclFor(names: readonly string[], identity: TemplateIdentity | undefined, now: number): Acl {
    const sorted = names.length > 1 ? [...new Set(names)].sort() : names
    const key = JSON.stringify(sorted)
    const set = this.#setOf(key, sorted, now)
    if (!identity || !set.policies.some(({ rules }) => rules.some(({ templated }) => templated))) return set.acl
    const acls = this.#personal.get(identity) ?? new Map<string, Acl>()
    this.#personal.set(identity, acls)
    return current(acls.get(key), now) ?? kept(acls, key, compileAcl(set.policies, identity, now))
  }

  #setOf(key: string, names: readonly string[], now: number): CompiledSet {
    const known = this.#sets.get(key)
    if (known && current(known.acl, now)) return known
    const policies = known?.policies ?? names.map((name) => this.#policy(name)).filter((policy) => policy !== undefined)
    return kept(this.#sets, key, { policies, acl: compileAcl(policies, undefined, now) })
  }

  #policy(name: string): Policy | undefined {
    return this.#policies.has(name) ? this.#policies.get(name) : kept(this.#policies, name, this.#load(name))
  }
}

function current(acl: Acl | undefined, now: number): Acl | undefined {
  return acl && now < acl.expiresAt ? acl : undefined
}

function kept<T>(cache: Map<string, T>, key: string, value: T): T {
  if (cache.size >= MAX_KEPT) cache.clear()
  cache.set(key, value)
  return value
}
