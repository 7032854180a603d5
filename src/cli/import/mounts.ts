// Mounts of both classes, with their options and settings.
import { isObject, type JsonObject } from '../../base/json.ts'
import { dataAt, type Importing, isBlank, picked, put } from './importing.ts'

/** One that is there in the target, or was made. */
export interface ImportedMount {
  /** Ends in a slash. */
  readonly path: string
  readonly type: string
  readonly options: JsonObject
}

interface Family {
  readonly kind: 'secrets engine' | 'auth method'
  readonly at: 'sys/mounts' | 'sys/auth'
  /** Every server has them. */
  readonly builtIn: readonly string[]
}

export const ENGINES: Family = {
  kind: 'secrets engine',
  at: 'sys/mounts',
  builtIn: ['system', 'cubbyhole', 'identity', 'ns_system', 'ns_cubbyhole', 'ns_identity'],
}
export const METHODS: Family = { kind: 'auth method', at: 'sys/auth', builtIn: ['token', 'ns_token'] }

const CARRIED = [
  'default_lease_ttl',
  'max_lease_ttl',
  'listing_visibility',
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'token_type',
]
/** What says nothing by itself, or where every server has its own. */
const IGNORED = [...CARRIED, 'force_no_cache', 'plugin_name', 'identity_token_key']

export async function importMounts(importing: Importing, family: Family): Promise<ImportedMount[]> {
  const { source, target } = importing
  const [from, to] = [await tableOf(source, family), await tableOf(target, family)]
  const mounts: ImportedMount[] = []
  for (const [path, mount] of from)
    if (!family.builtIn.includes(mount.type)) if (await importMount(importing, family, path, mount, to.get(path))) mounts.push({ path, ...mount })
  return mounts
}

interface Mount {
  readonly type: string
  readonly description: string
  readonly options: JsonObject
  readonly config: JsonObject
  readonly local: boolean
}

async function tableOf(client: Importing['source'], { at }: Family): Promise<Map<string, Mount>> {
  const table = (await dataAt(client, at)) ?? {}
  return new Map(Object.entries(table).flatMap(([path, raw]) => (path.endsWith('/') && isObject(raw) ? [[path, toMount(raw)] as const] : [])))
}

function toMount({ type, description, options, config, local }: JsonObject): Mount {
  return {
    type: String(type),
    description: String(description ?? ''),
    options: isObject(options) ? options : {},
    config: isObject(config) ? config : {},
    local: local === true,
  }
}

/** True where the target has it then. */
async function importMount(importing: Importing, { kind, at }: Family, path: string, mount: Mount, there: Mount | undefined): Promise<boolean> {
  const { report } = importing
  if (there && (there.type !== mount.type || versionOf(there) !== versionOf(mount))) {
    report.add(kind, path, 'failed', `something else is mounted there: ${there.type}${versionOf(there) === '' ? '' : ` version ${versionOf(there)}`}`)
    return false
  }
  const config = picked(mount.config, CARRIED)
  const outcome = await report
    .step(kind, path, async () => {
      if (there && sameConfig(config, there.config) && there.description === mount.description) return 'same'
      const { type, description, options, local } = mount
      if (there) await put(importing, `${at}/${path}tune`, { ...config, description })
      else if (!(await isOffered(importing, kind, type))) throw new NotOffered(type)
      else await put(importing, `${at}/${path.slice(0, -1)}`, { type, description, config, local, ...(isBlank(options) ? {} : { options }) })
      return 'carried'
    })
    .catch((error: unknown) => {
      if (!(error instanceof NotOffered)) throw error
      report.add(kind, path, 'left', error.message)
      return 'left'
    })
  const others = Object.keys(mount.config).filter((name) => !IGNORED.includes(name) && !isBlank(mount.config[name]))
  if (outcome === 'carried' && others.length > 0) report.add(`setting of ${kind}`, path, 'left', `not offered: ${others.join(', ')}`)
  return outcome === 'carried' || outcome === 'same'
}

class NotOffered extends Error {
  constructor(type: string) {
    super(`the target does not offer ${type}: what it holds stays behind`)
  }
}

async function isOffered({ target }: Importing, kind: Family['kind'], type: string): Promise<boolean> {
  const offered = (await dataAt(target, 'sys/plugins/catalog'))?.[kind === 'secrets engine' ? 'secret' : 'auth']
  return !Array.isArray(offered) || offered.includes(type)
}

const versionOf = ({ options }: Mount): string => (options['version'] === '1' ? '' : String(options['version'] ?? ''))

function sameConfig(wanted: JsonObject, there: JsonObject): boolean {
  return Object.entries(wanted).every(([name, value]) => JSON.stringify(value) === JSON.stringify(there[name]))
}
