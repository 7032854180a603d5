// Rate-limit quotas: the stored rules and their settings, and which rule is the one for a request.
import { Fault } from '../base/fault.ts'
import type { CanonPath } from '../base/path.ts'
import type { Mount } from '../contract/mount.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { decode, records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact, type Tx } from '../store/transact.ts'
import { within } from '../store/within.ts'

/** A rule as stored. It names its mount by accessor, so that it moves with the mount, and ends with it. */
export interface RateRule {
  /** Made anew with each change, so that counting starts anew too. */
  readonly id: string
  readonly name: string
  /** Path of a namespace, with a slash at its end; '' for the root. */
  readonly namespace: string
  /** Accessor of a mount; '' for a rule of the whole namespace. */
  readonly mount: string
  /** Path within the mount, `*` at its end for all that begins so; '' for the whole mount. */
  readonly suffix: string
  /** A role of the auth method at the mount; '' for any. */
  readonly role: string
  /** Requests in an interval; rounded, and at least 1, where they are counted. */
  readonly rate: number
  /** Seconds. */
  readonly interval: number
  /** Seconds during which a client that was refused stays refused; 0 for none. */
  readonly blockInterval: number
  /** For a rule of a namespace: also for those below that have none. */
  readonly inheritable: boolean
}

export interface QuotaConfig {
  /** Paths, or beginnings of paths, that no rule is for; within any namespace. */
  readonly exemptPaths: readonly string[]
  /** The same, from the root on. */
  readonly absoluteExemptPaths: readonly string[]
  readonly auditLogging: boolean
  readonly responseHeaders: boolean
}

export const DEFAULT_EXEMPT_PATHS: readonly string[] = [
  'sys/generate-recovery-token/attempt',
  'sys/generate-recovery-token/update',
  'sys/generate-root/attempt',
  'sys/generate-root/update',
  'sys/health',
  'sys/seal-status',
  'sys/unseal',
]

const DEFAULT_CONFIG: QuotaConfig = {
  exemptPaths: DEFAULT_EXEMPT_PATHS,
  absoluteExemptPaths: [],
  auditLogging: false,
  responseHeaders: false,
}

/** Where a path leads. */
export interface Place {
  /** Path of the namespace, with a slash at its end; '' for the root. */
  readonly namespace: string
  /** The path within the namespace. */
  readonly path: CanonPath
  readonly mount: Mount | undefined
}

export interface Quotas {
  config(): QuotaConfig
  configure(config: QuotaConfig): Promise<void>
  /** Sorted. */
  names(): string[]
  get(name: string): RateRule | undefined
  /** Creates or replaces. Throws `invalid` where another rule is for the same. */
  put(rule: RateRule): Promise<void>
  delete(name: string): Promise<void>
  /** Whether there are rules at all: mostly there are none, and then nothing needs to be looked up. */
  readonly any: boolean
  /** The rule that counts for a request, the most exact of all that fit; `role` is the one that logs in. */
  ruleFor(place: Place, role?: string): RateRule | undefined
  /** Whether some rule of the mount asks for the role that logs in. */
  hasRoles(mount: Mount): boolean
  /** Removes rules whose mount or namespace is gone. */
  sweep(alive: (rule: RateRule) => boolean): Promise<void>
}

export const rules = records<RateRule>('quota/rate-limit/')
const CONFIG = 'quota/config'
const configs = records<QuotaConfig>('quota/')

export function openQuotas(space: Space): Quotas {
  const { store } = space
  const config = space.cache(CONFIG, () => configs.get(store, 'config') ?? DEFAULT_CONFIG)
  const table = space.cache('quota/rate-limit/', () => compile(rules.ids(store).flatMap((name) => rules.get(store, name) ?? [])))
  return {
    config,
    configure: (next) => transact(store, (tx) => configs.put(tx, 'config', next)),
    names: () => [...table().byName.keys()],
    get: (name) => table().byName.get(name),
    put: (rule) =>
      transact(store, (tx) => {
        tx.get(GUARD)
        const same = compile(rules.ids(store).flatMap((name) => rules.get(tx, name) ?? [])).byFactors.get(factorsOf(rule))
        if (same && same.name !== rule.name) {
          throw new Fault('invalid', `quota rule with similar properties exists under the name ${JSON.stringify(same.name)}`)
        }
        tx.put(GUARD, Buffer.from(rule.id))
        rules.put(tx, rule.name, rule)
      }),
    delete: (name) => transact(store, (tx) => rules.delete(tx, name)),
    get any() {
      return table().byName.size > 0
    },
    ruleFor: (place, role) => find(table(), place, role),
    hasRoles: ({ accessor }) => table().withRoles.has(accessor),
    async sweep(alive) {
      for (const rule of table().byName.values()) if (!alive(rule)) await transact(store, (tx) => rules.delete(tx, rule.name))
    },
  }
}

/** Rules of a mount go with it to another namespace; `tx` is on the whole store. */
export function moveRules(tx: Tx, { accessor, namespace }: Pick<Mount, 'accessor' | 'namespace'>): void {
  const own = within(tx, namespacePrefix(ROOT_ID))
  for (const { value } of own.range({ prefix: rules.key('') })) {
    const rule = decode<RateRule>(value)
    if (rule.mount === accessor && rule.namespace !== namespace) rules.put(own, rule.name, { ...rule, namespace })
  }
}

/** Every new rule touches it, so that no two can be for the same. */
export const GUARD = 'quota/guard'

interface Table {
  readonly byName: ReadonlyMap<string, RateRule>
  readonly byFactors: ReadonlyMap<string, RateRule>
  /** Rules with a `*`, by mount, the longest first. */
  readonly globs: ReadonlyMap<string, readonly RateRule[]>
  readonly withRoles: ReadonlySet<string>
}

function compile(all: readonly RateRule[]): Table {
  const globs = new Map<string, RateRule[]>()
  for (const rule of all.filter(({ suffix }) => suffix.endsWith('*'))) {
    globs.set(
      rule.mount,
      [...(globs.get(rule.mount) ?? []), rule].sort((a, b) => b.suffix.length - a.suffix.length),
    )
  }
  return {
    byName: new Map(all.map((rule) => [rule.name, rule])),
    byFactors: new Map(all.map((rule) => [factorsOf(rule), rule])),
    globs,
    withRoles: new Set(all.flatMap(({ role, mount }) => (role === '' ? [] : [mount]))),
  }
}

type Factors = Pick<RateRule, 'namespace' | 'mount' | 'suffix' | 'role'>

export function factorsOf({ namespace, mount, suffix, role }: Factors): string {
  return JSON.stringify([mount === '' ? namespace : '', mount, suffix, role])
}

/** Role before path before mount before namespace before those above (Vault, "Resource quotas"). */
function find({ byFactors, globs }: Table, { namespace, path, mount }: Place, role = ''): RateRule | undefined {
  if (mount) {
    const of = { namespace, mount: mount.accessor }
    const rest = path.slice(mount.path.length).replace(/\/$/, '')
    const found =
      (role === '' ? undefined : byFactors.get(factorsOf({ ...of, suffix: '', role }))) ??
      (rest === '' ? undefined : byFactors.get(factorsOf({ ...of, suffix: rest, role: '' }))) ??
      globs.get(mount.accessor)?.find(({ suffix }) => rest.startsWith(suffix.slice(0, -1))) ??
      byFactors.get(factorsOf({ ...of, suffix: '', role: '' }))
    if (found) return found
  }
  return ofNamespace(byFactors, namespace)
}

function ofNamespace(byFactors: Table['byFactors'], namespace: string): RateRule | undefined {
  const at = (path: string) => byFactors.get(factorsOf({ namespace: path, mount: '', suffix: '', role: '' }))
  const own = at(namespace)
  if (own) return own
  for (let path = namespace; path !== ''; ) {
    path = parentOf(path)
    const rule = at(path)
    if (rule?.inheritable) return rule
  }
  return undefined
}

/** `team/` of `team/app/`. */
function parentOf(namespace: string): string {
  return namespace.slice(0, namespace.lastIndexOf('/', namespace.length - 2) + 1)
}
