// KV version 2: every version with its number, what is deleted or destroyed, and the settings of mount and secrets.
import { isObject, type JsonObject } from '../../base/json.ts'
import { dataAt, each, type Importing, isBlank, picked, put } from './importing.ts'
import { Failure } from '../failure.ts'
import { walk } from './walk.ts'

const SETTINGS = ['cas_required', 'delete_version_after', 'max_versions']

export async function importKv2(importing: Importing, mount: string): Promise<void> {
  const { source, target, report } = importing
  await each(await walk(source, `${mount}metadata/`), async (name) => {
    await report.step('secret', mount + name, () => importSecret(importing, mount, name))
  })
  // Last, so that it stands in the way of no version.
  await report.step('settings of KV', mount, async () => {
    const [wanted, there] = await Promise.all([source, target].map(async (client) => settingsOf((await dataAt(client, `${mount}config`)) ?? {})))
    if (isBlank(wanted) || JSON.stringify(wanted) === JSON.stringify(there)) return 'same'
    await put(importing, `${mount}config`, wanted ?? {})
    return 'carried'
  })
}

interface Version {
  readonly number: number
  readonly state: 'there' | 'deleted' | 'destroyed'
}

interface History {
  readonly current: number
  readonly versions: readonly Version[]
  readonly custom: JsonObject
  readonly settings: JsonObject
}

async function importSecret(importing: Importing, mount: string, name: string): Promise<'carried' | 'same'> {
  const { source, target } = importing
  const from = await historyOf(source, mount, name)
  if (!from) return 'same' // gone since it was listed
  const to = await historyOf(target, mount, name)
  await checkBeginning(importing, mount, name, from, to)
  if (to && isAsWanted(from, to)) return 'same'
  if (importing.dryRun) return 'carried'
  const kept = from.current - Math.min(from.current, ...from.versions.map(({ number }) => number)) + 1
  await target.write(`${mount}metadata/${name}`, { max_versions: kept })
  for (let number = (to?.current ?? 0) + 1; number <= from.current; number++) await importVersion(importing, mount, name, from, number)
  await setStates(importing, mount, name, from)
  await target.write(`${mount}metadata/${name}`, { max_versions: 0, ...from.settings, custom_metadata: from.custom })
  return 'carried'
}

/** Whoever has a version of their own there must not lose it, nor get a mixture. */
async function checkBeginning({ source, target }: Importing, mount: string, name: string, from: History, to: History | undefined): Promise<void> {
  if (!to || to.current === 0) return
  const other = new Failure(1, 'the target has a secret of its own there')
  if (to.current > from.current) throw other
  const [mine, theirs] = await Promise.all([source, target].map((client) => dataOf(client, mount, name, to.current)))
  const readable = [from, to].every(({ versions }) => versions.find(({ number }) => number === to.current)?.state === 'there')
  if (readable && JSON.stringify(mine) !== JSON.stringify(theirs)) throw other
}

/** One that can't be read leaves its number to a version without data, so that those after it keep theirs. */
async function importVersion({ source, target, report }: Importing, mount: string, name: string, from: History, number: number): Promise<void> {
  const version = from.versions.find((one) => one.number === number)
  const data = version?.state === 'there' ? await dataOf(source, mount, name, number) : undefined
  await target.write(`${mount}data/${name}`, { data: data ?? {}, options: { cas: number - 1 } })
  if (version?.state === 'deleted') {
    report.add(
      'deleted version',
      `${mount}${name} version ${number}`,
      'left',
      'its data can only be read once it is undeleted; it is deleted here too, and empty',
    )
  }
}

async function setStates({ target }: Importing, mount: string, name: string, { current, versions }: History): Promise<void> {
  const numbers = (state: Version['state']) => versions.filter((one) => one.state === state).map(({ number }) => number)
  const known = new Set(versions.map(({ number }) => number))
  const never = Array.from({ length: current }, (_, at) => at + 1).filter((number) => !known.has(number))
  const [deleted, destroyed] = [numbers('deleted'), [...never, ...numbers('destroyed')]]
  if (deleted.length > 0) await target.write(`${mount}delete/${name}`, { versions: deleted })
  if (destroyed.length > 0) await target.write(`${mount}destroy/${name}`, { versions: destroyed })
}

async function historyOf(client: Importing['source'], mount: string, name: string): Promise<History | undefined> {
  const metadata = await dataAt(client, `${mount}metadata/${name}`)
  if (!metadata || !isObject(metadata['versions'])) return undefined
  return {
    current: Number(metadata['current_version']),
    versions: await Promise.all(
      Object.entries(metadata['versions']).map(async ([number, raw]) => ({
        number: Number(number),
        state: await stateOf(raw as JsonObject, () => dataOf(client, mount, name, Number(number))),
      })),
    ),
    custom: isObject(metadata['custom_metadata']) ? metadata['custom_metadata'] : {},
    settings: settingsOf(metadata),
  }
}

/** A time of deletion may be still to come: then the version can be read. */
async function stateOf({ deletion_time: deleted, destroyed }: JsonObject, read: () => Promise<unknown>): Promise<Version['state']> {
  if (destroyed === true) return 'destroyed'
  return deleted === '' || (await read()) ? 'there' : 'deleted'
}

function settingsOf(from: JsonObject): JsonObject {
  const { delete_version_after: after, ...settings } = picked(from, SETTINGS)
  return { ...settings, ...(after === undefined || after === '0s' ? {} : { delete_version_after: after }) }
}

async function dataOf(client: Importing['source'], mount: string, name: string, version: number): Promise<JsonObject | undefined> {
  const secret = await client.read(`${mount}data/${name}`, { version: String(version) })
  const data = secret?.data?.['data']
  return isObject(data) ? data : undefined
}

function isAsWanted(from: History, to: History): boolean {
  const states = ({ versions }: History, numbers: readonly number[]) => numbers.map((number) => versions.find((one) => one.number === number)?.state)
  const numbers = from.versions.map(({ number }) => number)
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)
  return (
    from.current === to.current &&
    same(states(from, numbers), states(to, numbers)) &&
    same(from.custom, to.custom) &&
    same(from.settings, to.settings)
  )
}
