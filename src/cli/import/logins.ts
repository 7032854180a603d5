// What auth methods hold: users without their passwords, roles with their role ids, token roles.
import type { JsonObject } from '../../base/json.ts'
import { dataAt, each, type Importing, isBlank, names, put } from './importing.ts'
import type { ImportedMount } from './mounts.ts'

/** By type of the method. */
const METHODS: Readonly<Record<string, (importing: Importing, mount: string) => Promise<void>>> = { approle: importRoles, userpass: importUsers }

export async function importLogins(importing: Importing, mounts: readonly ImportedMount[]): Promise<void> {
  for (const { path, type } of mounts) await METHODS[type]?.(importing, `auth/${path}`)
  await importTokenRoles(importing)
}

async function importUsers(importing: Importing, mount: string): Promise<void> {
  const { source, target, report } = importing
  await each(await names(source, `${mount}users`), async (name) => {
    const path = `${mount}users/${name}`
    const outcome = await report.step('user', path, async () => {
      const wanted = said(await dataAt(source, path))
      const there = await dataAt(target, path)
      if (there && isThere(wanted, there)) return 'same'
      await put(importing, path, there || importing.dryRun ? wanted : { ...wanted, password: await anyPassword(importing) })
      return 'carried'
    })
    if (outcome === 'carried') report.add('password', path, 'left', 'no server tells a password: set a new one')
  })
}

/** One that nobody knows: the user is there with its policies, and nobody can log in. */
async function anyPassword({ target }: Importing): Promise<string> {
  const made = (await target.write('sys/tools/random/32'))?.data?.['random_bytes']
  if (typeof made !== 'string' || made.length < 40) throw new Error('the target gave no random bytes')
  return made
}

async function importRoles(importing: Importing, mount: string): Promise<void> {
  const { source, target, report } = importing
  await each(await names(source, `${mount}role`), async (name) => {
    const path = `${mount}role/${name}`
    await report.step('role', path, async () => {
      const wanted = said(await dataAt(source, path))
      const id = { role_id: (await dataAt(source, `${path}/role-id`))?.['role_id'] ?? '' }
      const there = await dataAt(target, path)
      if (there && isThere({ ...wanted, ...id }, { ...there, ...(await dataAt(target, `${path}/role-id`)) })) return 'same'
      await put(importing, path, wanted)
      await put(importing, `${path}/role-id`, id)
      return 'carried'
    })
    const secretIds = await names(source, `${path}/secret-id`)
    if (secretIds.length > 0) report.add('secret ids', path, 'left', `${secretIds.length} of them, which no server tells: make new ones`)
  })
}

async function importTokenRoles(importing: Importing): Promise<void> {
  const { source, target, report } = importing
  await each(await names(source, 'auth/token/roles'), async (name) => {
    const path = `auth/token/roles/${name}`
    await report.step('token role', path, async () => {
      const { name: _, ...wanted } = said(await dataAt(source, path))
      const there = await dataAt(target, path)
      if (there && isThere(wanted, there)) return 'same'
      await put(importing, path, wanted)
      return 'carried'
    })
  })
}

/** Older names of settings stand beside the newer ones with the same value, and would be taken for wishes of their own. */
const OLDER = ['policies', 'ttl', 'max_ttl', 'bound_cidrs', 'bound_cidr_list', 'num_uses', 'period', 'explicit_max_ttl']

/** What a role says: nothing where it says what every role does. */
function said(role: JsonObject = {}): JsonObject {
  const kept = Object.entries(role).filter(
    ([name, value]) => !(OLDER.includes(name) && `token_${name}` in role) && !(isBlank(value) && !isSwitch(value)),
  )
  return Object.fromEntries(kept)
}

/** A switch that is off may be on unless it is said. */
function isSwitch(value: unknown): boolean {
  return value === false
}

function isThere(wanted: JsonObject, there: JsonObject): boolean {
  return Object.entries(wanted).every(([name, value]) => JSON.stringify(value) === JSON.stringify(there[name]))
}
