// What holds for every secret of a KV v2 mount, and the rules that mount and secret make together.
import { formatDuration, parseSeconds } from '../../base/duration.ts'
import { bool, type Field, int, maybe, text } from '../../base/fields.ts'
import type { Json } from '../../base/json.ts'
import { type Ctx, path } from '../../contract/module.ts'
import { data, empty, type Reply } from '../../contract/reply.ts'
import { decode, encode } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { transact } from '../../store/transact.ts'
import { tell } from './events.ts'
import type { Secret, Settings } from './secret.ts'

const KEY = 'config'
const NONE: Settings = {}
const DEFAULT_MAX_VERSIONS = 10

export function readConfig(from: Pick<Store, 'get'>): Settings {
  const entry = from.get(KEY)
  return entry ? decode<Settings>(entry.value) : NONE
}

/** How many versions are kept: the larger of both wishes. */
export function versionsKept(config: Settings, secret: Secret | undefined): number {
  return Math.max(config.maxVersions ?? 0, secret?.maxVersions ?? 0) || DEFAULT_MAX_VERSIONS
}

/** When a version made (or given back) now counts as deleted: after the shorter of both times. */
export function expiry(config: Settings, secret: Secret | undefined, now: number): number | undefined {
  const mount = config.deleteAfter ?? 0
  const own = secret?.deleteAfter ?? 0
  if (mount < 0 || (mount === 0 && own === 0)) return undefined
  return now + 1000 * (mount > 0 && own > 0 ? Math.min(mount, own) : mount || own)
}

/** A count as the stored format of Vault holds it, where -1 is the largest. */
export const count = (doc: string): Field<number> => ({ ...int(doc), parse: (raw) => int(doc).parse(raw) >>> 0 })

const signedSeconds = (doc: string): Field<number> => ({ ...int(doc), kind: 'seconds', parse: toSignedSeconds })

function toSignedSeconds(raw: Json): number {
  return Math.max(-1, parseSeconds(typeof raw === 'number' ? raw : text('').parse(raw)))
}

const FIELDS = {
  max_versions: maybe(count('The number of versions to keep of each secret; 0 stands for 10.')),
  cas_required: maybe(bool('Whether every write must name the version that it replaces.')),
  metadata_cas_required: maybe(bool('Whether every write of metadata must name the metadata version that it replaces.')),
  delete_version_after: maybe(signedSeconds('How long until a new version counts as deleted; 0 is never, negative is never for every secret.')),
}

export interface SettingsInput {
  readonly max_versions: number | undefined
  readonly cas_required: boolean | undefined
  readonly metadata_cas_required: boolean | undefined
  readonly delete_version_after: number | undefined
}

export const configPath = path('config', 'Settings for every secret of this mount.', {}, (op) => ({
  read: op({ doc: 'Read the settings.', output: FIELDS, run: show }),
  write: op({ doc: 'Change the settings that are named.', input: FIELDS, run: change }),
}))

function show(ctx: Ctx): Reply {
  const config = readConfig(ctx.store)
  return data({
    cas_required: config.casRequired ?? false,
    delete_version_after: formatDuration(config.deleteAfter ?? 0),
    max_versions: config.maxVersions ?? 0,
    metadata_cas_required: config.metadataCasRequired ?? false,
  })
}

function change(ctx: Ctx, input: SettingsInput): Promise<Reply> {
  return transact(ctx.store, (tx) => {
    tx.put(KEY, encode(withSettings(ctx, readConfig(tx), input)))
    tell(ctx, tx, 'config-write')
    return empty()
  })
}

/** The settings that a mount and a secret both have, with those that a client names: null takes one back. */
export function withSettings<T extends Settings>(ctx: Ctx, before: T, input: SettingsInput): T {
  const set = <V>(name: keyof SettingsInput, given: V | undefined, old: V | undefined) => given ?? (ctx.data[name] === null ? undefined : old)
  return {
    ...before,
    maxVersions: set('max_versions', input.max_versions, before.maxVersions),
    casRequired: set('cas_required', input.cas_required, before.casRequired),
    metadataCasRequired: set('metadata_cas_required', input.metadata_cas_required, before.metadataCasRequired),
    deleteAfter: set('delete_version_after', input.delete_version_after, before.deleteAfter),
  }
}
