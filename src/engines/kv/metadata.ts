// `metadata/`: what is known of a secret, its own settings, and its removal with all versions.
import { formatDuration, formatTime } from '../../base/duration.ts'
import { Fault } from '../../base/fault.ts'
import { bool, int, maybe, object, seconds, text } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, path } from '../../contract/module.ts'
import { data, empty, missing, type Reply } from '../../contract/reply.ts'
import type { Store } from '../../store/store.ts'
import { transact } from '../../store/transact.ts'
import { count, readConfig, type SettingsInput, withSettings } from './config.ts'
import { type CustomMetadata, parseCustomMetadata, patchCustomMetadata } from './custom-metadata.ts'
import { deletionTime } from './data.ts'
import { tell } from './events.ts'
import { list, NAMES, PAGE, scan } from './listing.ts'
import { dropVersions, getVersion, openSecret, type Secret, type Settings, secrets } from './secret.ts'
import { AT, onSecret, secretExists } from './secret-path.ts'

const SETTINGS = {
  max_versions: maybe(count('The number of versions to keep, where it is more than the mount keeps.')),
  cas_required: maybe(bool('Whether every write must name the version that it replaces.')),
  metadata_cas_required: maybe(bool('Whether every write of metadata must name the metadata version that it replaces.')),
  delete_version_after: maybe(seconds('How long until a new version counts as deleted; the shorter of this and the mount’s.')),
  custom_metadata: maybe(object('Up to 64 texts that describe the secret; a patch removes those that are null.')),
}
const WRITE = { ...SETTINGS, metadata_cas: maybe(int('The metadata version that this write replaces; 0 where there must be none yet.')) }
const KNOWN = {
  ...SETTINGS,
  current_version: int('The newest version.'),
  oldest_version: int('The first version that is kept; 0 until one was dropped.'),
  current_metadata_version: int('Counts writes of the metadata.'),
  created_time: text('When the secret was made.'),
  updated_time: text('When it last gained a version or settings.'),
  versions: object('What is known of each version, by number.'),
}

interface Input extends SettingsInput {
  readonly path: string
  readonly custom_metadata: JsonObject | undefined
  readonly metadata_cas: number | undefined
}

export const metadataPath = path('metadata/*path', 'What is known of secrets, and their settings.', AT, (op) => ({
  read: op({ doc: 'Read what is known of a secret.', output: KNOWN, run: onSecret(read) }),
  write: op({ doc: 'Change settings of a secret; makes it where there is none.', input: WRITE, exists: secretExists, run: onSecret(write) }),
  patch: op({ doc: 'Change settings of a secret; custom metadata is merged.', input: WRITE, run: onSecret(patch) }),
  delete: op({ doc: 'Remove a secret with all its versions, for good.', run: onSecret(remove) }),
  list: op({ doc: 'List the names in a folder.', input: PAGE, output: NAMES, run: list }),
  scan: op({ doc: 'List the paths of all secrets below a folder.', input: PAGE, output: NAMES, run: scan }),
}))

/** What clients are told about a secret and each of its versions. */
export function describe(store: Store, at: string, secret: Secret): JsonObject {
  const versions: JsonObject = {}
  for (let number = Math.max(secret.oldest, 1); number <= secret.current; number++) {
    const version = getVersion(store, at, secret, number)
    if (!version) continue
    versions[number] = { created_time: formatTime(version.createdAt), deletion_time: deletionTime(version), destroyed: version.data === undefined }
  }
  return {
    cas_required: secret.casRequired ?? false,
    created_time: formatTime(secret.createdAt),
    current_metadata_version: secret.metadataVersion ?? 0,
    current_version: secret.current,
    custom_metadata: secret.custom ?? null,
    delete_version_after: formatDuration(secret.deleteAfter ?? 0),
    max_versions: secret.maxVersions ?? 0,
    metadata_cas_required: secret.metadataCasRequired ?? false,
    oldest_version: secret.oldest,
    updated_time: formatTime(secret.updatedAt),
    versions,
  }
}

function read(ctx: Ctx, input: { path: string }): Reply {
  const secret = secrets.get(ctx.store, input.path)
  return secret ? data(describe(ctx.store, input.path, secret)) : missing()
}

async function write(ctx: Ctx, input: Input): Promise<Reply> {
  if (!changesAnything(ctx)) return empty()
  const custom = input.custom_metadata && parseCustomMetadata(input.custom_metadata)
  return transact(ctx.store, (tx) => {
    const config = readConfig(tx)
    const before = openSecret(tx, input.path)
    checkAndSet(input.metadata_cas, config, before)
    const now = ctx.clock.now()
    const secret = before ?? { createdAt: now, updatedAt: now, current: 0, oldest: 0 }
    const after = changed(ctx, secret, input, custom ?? secret.custom)
    secrets.put(tx, input.path, after)
    tell(ctx, tx, 'metadata-write', { at: input.path, secret: after })
    return empty(...ignored(config, input))
  })
}

async function patch(ctx: Ctx, input: Input): Promise<Reply> {
  if (!changesAnything(ctx)) return empty()
  return transact(ctx.store, (tx) => {
    const secret = openSecret(tx, input.path)
    if (!secret) return missing()
    const config = readConfig(tx)
    checkAndSet(input.metadata_cas, config, secret)
    const custom = input.custom_metadata ? patchCustomMetadata(secret.custom, input.custom_metadata) : secret.custom
    const after = changed(ctx, secret, input, custom)
    secrets.put(tx, input.path, after)
    tell(ctx, tx, 'metadata-patch', { at: input.path, secret: after })
    return empty(...ignored(config, input))
  })
}

async function remove(ctx: Ctx, input: { path: string }): Promise<Reply> {
  return transact(ctx.store, (tx) => {
    const secret = secrets.get(tx, input.path)
    if (!secret) return empty()
    dropVersions(tx, input.path, secret, secret.current + 1)
    secrets.delete(tx, input.path)
    tell(ctx, tx, 'metadata-delete', { at: input.path, secret })
    return empty()
  })
}

function changesAnything(ctx: Ctx): boolean {
  return Object.keys(SETTINGS).some((name) => Object.hasOwn(ctx.data, name))
}

function changed(ctx: Ctx, secret: Secret, input: Input, custom: CustomMetadata | undefined): Secret {
  const cleared = ctx.data['custom_metadata'] === null || Object.keys(custom ?? {}).length === 0
  return {
    ...withSettings(ctx, secret, input),
    updatedAt: ctx.clock.now(),
    metadataVersion: (secret.metadataVersion ?? 0) + 1,
    custom: cleared ? undefined : custom,
  }
}

function checkAndSet(cas: number | undefined, config: Settings, secret: Secret | undefined): void {
  if (cas === undefined) {
    if (!config.metadataCasRequired && !secret?.metadataCasRequired) return
    throw new Fault('invalid', 'metadata check-and-set parameter required for this call')
  }
  if (!secret && cas !== 0) throw new Fault('invalid', 'metadata_cas must be 0 when creating new metadata')
  if (secret && cas !== (secret.metadataVersion ?? 0))
    throw new Fault('invalid', 'metadata check-and-set parameter does not match the current version')
}

function* ignored(config: Settings, input: Input): Generator<string> {
  const text = (name: string) => `"${name}" set to false, but is mandated by backend config. This value will be ignored.`
  if (config.casRequired && input.cas_required === false) yield text('cas_required')
  if (config.metadataCasRequired && input.metadata_cas_required === false) yield text('metadata_cas_required')
}
