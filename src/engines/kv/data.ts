// `data/`: reading, writing, patching and deleting versions of a secret.
import { Fault } from '../../base/fault.ts'
import { formatTime } from '../../base/duration.ts'
import { bool, int, maybe, object, or, secret as masked, text } from '../../base/fields.ts'
import type { Json, JsonObject } from '../../base/json.ts'
import { type Ctx, path } from '../../contract/module.ts'
import { data, empty, missing, type Reply } from '../../contract/reply.ts'
import { type Tx, transact } from '../../store/transact.ts'
import { expiry, readConfig, versionsKept } from './config.ts'
import { tell } from './events.ts'
import { mergePatch } from './merge-patch.ts'
import { contents, dropVersions, getVersion, openSecret, putVersion, type Secret, type Settings, secrets, type Version } from './secret.ts'
import { AT, onSecret, secretExists } from './secret-path.ts'

const WRITE = {
  data: maybe(masked(object('The contents: any JSON object.'))),
  options: maybe(object('`cas`: the version that this write replaces; 0 where there must be none yet.')),
}
const READ = { version: or(int('The version to read; 0 is the newest.'), 0) }
const CONTENTS = { data: masked(object('The contents; null where deleted or destroyed.')), metadata: object('What is known of the version.') }
const ABOUT = {
  created_time: text('When the version was made.'),
  custom_metadata: maybe(object('The texts that describe the secret.')),
  deletion_time: text('When it was or will be deleted; empty where never.'),
  destroyed: bool('Whether its contents are gone for good.'),
  version: int('Its number.'),
}

interface WriteInput {
  readonly path: string
  readonly data: JsonObject | undefined
  readonly options: JsonObject | undefined
}

export const dataPath = path('data/*path', 'The contents of secrets, by version.', AT, (op) => ({
  read: op({ doc: 'Read a version of a secret.', input: READ, output: CONTENTS, run: onSecret(read) }),
  write: op({ doc: 'Write a new version.', input: WRITE, output: ABOUT, exists: secretExists, run: onSecret(write) }),
  patch: op({ doc: 'Write a new version: the newest, changed by a JSON merge patch.', input: WRITE, output: ABOUT, run: onSecret(patch) }),
  delete: op({ doc: 'Delete the newest version; it can be undeleted.', run: onSecret(deleteNewest) }),
}))

/** What clients are told about a version. */
export function about(secret: Secret, number: number, version: Version): JsonObject {
  return {
    created_time: formatTime(version.createdAt),
    custom_metadata: secret.custom ?? null,
    deletion_time: deletionTime(version),
    destroyed: version.data === undefined,
    version: number,
  }
}

export function deletionTime(version: Version): string {
  const at = version.deletedAt ?? version.expiresAt
  return at === undefined ? '' : formatTime(at)
}

/** The reply that shows a version through `show`, under `name`; without it where the contents are gone. */
export function readVersion(ctx: Ctx, at: { path: string; version: number }, name: string, show: (contents: JsonObject) => JsonObject): Reply {
  const secret = secrets.get(ctx.store, at.path)
  if (!secret) return missing()
  const number = at.version > 0 ? at.version : secret.current
  const version = getVersion(ctx.store, at.path, secret, number)
  if (!version) return missing()
  const found = contents(version, ctx.clock.now())
  const metadata = about(secret, number, version)
  return found ? data({ [name]: show(found), metadata }) : data({ [name]: null, metadata }, { status: 404 })
}

function read(ctx: Ctx, input: { path: string; version: number }): Reply {
  return readVersion(ctx, input, 'data', (found) => found)
}

async function write(ctx: Ctx, input: WriteInput): Promise<Reply> {
  const value = provided(input)
  return transact(ctx.store, (tx) => {
    const config = readConfig(tx)
    const secret = openSecret(tx, input.path)
    checkAndSet(input.options, config, secret)
    return addVersion(ctx, tx, input.path, config, secret, value)
  })
}

async function patch(ctx: Ctx, input: WriteInput): Promise<Reply> {
  const change = provided(input)
  return transact(ctx.store, (tx) => {
    const secret = openSecret(tx, input.path)
    if (!secret) return missing()
    const config = readConfig(tx)
    checkAndSet(input.options, config, secret)
    const newest = getVersion(tx, input.path, secret, secret.current)
    if (!newest) return missing()
    const found = contents(newest, ctx.clock.now())
    if (!found) return data(about(secret, secret.current, newest), { status: 404 })
    return addVersion(ctx, tx, input.path, config, secret, mergePatch(found, change))
  })
}

async function deleteNewest(ctx: Ctx, input: { path: string }): Promise<Reply> {
  return transact(ctx.store, (tx) => {
    const secret = openSecret(tx, input.path)
    if (!secret) return empty()
    deleteVersion(ctx, tx, input.path, secret, secret.current)
    tell(ctx, tx, 'data-delete', { at: input.path, secret })
    return empty()
  })
}

/** Marks a version as deleted, unless it is gone already. */
export function deleteVersion(ctx: Ctx, tx: Tx, at: string, secret: Secret, number: number): void {
  const now = ctx.clock.now()
  const version = getVersion(tx, at, secret, number)
  if (version && contents(version, now)) putVersion(tx, at, number, { ...version, deletedAt: now })
}

function provided(input: WriteInput): JsonObject {
  if (input.data === undefined) throw new Fault('invalid', 'no data provided')
  return input.data
}

function addVersion(ctx: Ctx, tx: Tx, at: string, config: Settings, before: Secret | undefined, value: JsonObject): Reply {
  const now = ctx.clock.now()
  const secret = before ?? { createdAt: now, updatedAt: now, current: 0, oldest: 0 }
  const current = secret.current + 1
  const kept = versionsKept(config, secret)
  const oldest = current - secret.oldest >= kept ? current - kept + 1 : secret.oldest
  const version: Version = { createdAt: now, expiresAt: expiry(config, secret, now), data: value }
  putVersion(tx, at, current, version)
  dropVersions(tx, at, secret, oldest)
  const after = { ...secret, current, oldest, updatedAt: now }
  secrets.put(tx, at, after)
  tell(ctx, tx, ctx.request.verb === 'patch' ? 'data-patch' : 'data-write', { at, secret: after })
  return data(about(secret, current, version))
}

function checkAndSet(options: JsonObject | undefined, config: Settings, secret: Secret | undefined): void {
  if (options && Object.hasOwn(options, 'cas')) {
    if (toCas(options['cas'] ?? 0) !== (secret?.current ?? 0)) throw new Fault('invalid', 'check-and-set parameter did not match the current version')
  } else if (config.casRequired || secret?.casRequired) throw new Fault('invalid', 'check-and-set parameter required for this call')
}

function toCas(raw: Json): number {
  try {
    return CAS.parse(raw)
  } catch {
    throw new Fault('invalid', 'error parsing check-and-set parameter')
  }
}

const CAS = int('')
