// `signet namespace`: the tenants of a server, within the namespace that the command works in.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Secret } from '../../client/secret.ts'
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { readFile } from '../data-args.ts'
import { also, int, list as texts, pairs, text } from '../flag.ts'
import { cleanPath, mountPath } from '../mount-path.ts'
import { listOf, showData, showField, showList, showSecret } from '../output/show.ts'
import { readPgpKeys } from '../pgp-keys.ts'
import { secretArg } from '../secret-arg.ts'
import type { Terminal } from '../terminal.ts'
import { deleteSealed, printShares, seal, sealStatus, unseal } from './namespace-seal.ts'

const metadata = pairs('Text by which people know it, as key=value. May be given many times.')

const create = command({
  doc: 'Create a new namespace',
  about: `
    $ signet namespace create team
    $ signet namespace create -namespace=team app

With shares it gets a seal of its own: it is sealed until enough of them are given, whatever the server's own seal.

    $ signet namespace create -key-shares=5 -key-threshold=3 vault`,
  args: ['PATH'],
  flags: {
    'custom-metadata': metadata,
    seal: text('File with one seal stanza, as HCL or JSON.'),
    'key-shares': also(int('How many shares to split the key of its own seal into.'), 'n'),
    'key-threshold': also(int('How many shares open it; at most -key-shares.'), 't'),
    'pgp-keys': texts('Files with a PGP public key for each share, apart by commas: each share is printed encrypted with its key.'),
  },
  output: 'field',
  async run(terminal, { args: [given = ''], flags }) {
    const client = await terminal.client()
    const seal = await sealOf(terminal, flags)
    const pgp = await readPgpKeys(terminal, flags['pgp-keys'])
    const own = { ...(seal === undefined ? {} : { seal }), ...(pgp.length > 0 ? { pgp_keys: pgp } : {}) }
    const body = { custom_metadata: { ...flags['custom-metadata'] }, ...own }
    const made = await attempt('Error creating namespace', () => client.post(`sys/namespaces/${cleanPath(given)}`, body))
    const { key_shares: shares, key_threshold: threshold, ...rest } = made?.data ?? {}
    if (!made?.data || !Array.isArray(shares) || terminal.format !== 'table' || terminal.field !== undefined) return showNamespace(terminal, made)
    printShares(terminal, shares, threshold)
    showNamespace(terminal, { ...made, data: rest })
  },
})

interface SealFlags {
  readonly seal: string | undefined
  readonly 'key-shares': number | undefined
  readonly 'key-threshold': number | undefined
}

async function sealOf(terminal: Terminal, { seal: file, 'key-shares': shares, 'key-threshold': threshold }: SealFlags): Promise<string | undefined> {
  if (file !== undefined) return Buffer.from(await readFile(terminal, file)).toString()
  if (shares === undefined && threshold === undefined) return undefined
  return `seal "shamir" { shares = ${shares ?? 0} threshold = ${threshold ?? 0} }`
}

const list = command({
  doc: 'List child namespaces',
  output: 'detailed',
  run: (terminal) => listing(terminal, 'list'),
})

const scan = command({
  doc: 'List all (child) namespaces recursively',
  output: 'detailed',
  run: (terminal) => listing(terminal, 'scan'),
})

async function listing(terminal: Terminal, verb: 'list' | 'scan'): Promise<number> {
  const client = await terminal.client()
  const found = await attempt(`Error ${verb === 'list' ? 'listing' : 'scanning'} namespaces`, () => client[verb]('sys/namespaces'))
  if (found?.wrap_info) showSecret(terminal, found)
  else if (!found || !listOf(found)) return none(terminal)
  else if (terminal.detailed && terminal.format !== 'table') showData(terminal, (found.data?.['key_info'] ?? {}) as JsonObject)
  else showList(terminal, found)
  return 0
}

function none(terminal: Terminal): number {
  if (terminal.format === 'table') throw new Failure(2, 'No namespaces found')
  showData(terminal, {})
  return 2
}

const lookup = command({
  doc: 'Look up an existing namespace',
  about: `
    $ signet namespace lookup team`,
  args: ['PATH'],
  output: 'field',
  async run(terminal, { args: [given = ''] }) {
    const client = await terminal.client()
    const found = await attempt('Error looking up namespace', () => client.read(`sys/namespaces/${cleanPath(given)}`))
    showNamespace(terminal, found)
  },
})

const patch = command({
  doc: 'Patch an existing namespace',
  about: `
What is not named stays as it is.

    $ signet namespace patch -custom-metadata=owner=ann -remove-custom-metadata=cost team`,
  args: ['PATH'],
  flags: { 'custom-metadata': metadata, 'remove-custom-metadata': texts('Key of a text to remove. May be given many times.') },
  output: 'field',
  async run(terminal, { args: [given = ''], flags }) {
    const removed = flags['remove-custom-metadata'].map((key): [string, Json] => [key, null])
    const changes = { ...flags['custom-metadata'], ...Object.fromEntries(removed) }
    if (Object.keys(changes).length === 0) throw new Failure(1, 'Must supply at least one of -custom-metadata or -remove-custom-metadata')
    const client = await terminal.client()
    const after = await attempt('Error patching namespace', () => client.patch(`sys/namespaces/${cleanPath(given)}`, { custom_metadata: changes }))
    showNamespace(terminal, after)
  },
})

function showNamespace(terminal: Terminal, found: Secret | undefined): void {
  if (found?.wrap_info) return showSecret(terminal, found)
  if (!found?.data) throw new Failure(2, 'Namespace not found')
  if (terminal.field !== undefined) return showField(terminal, found.data[terminal.field], terminal.field)
  showData(terminal, found.data)
}

const remove = command({
  doc: 'Delete an existing namespace',
  about: `
It closes at once, and all that is in it is removed: secrets, tokens, policies, leases. Those within it must go first.

    $ signet namespace delete team`,
  args: ['PATH'],
  async run(terminal, { args: [given = ''] }) {
    const client = await terminal.client()
    const said = await attempt('Error deleting namespace', () => client.delete(`sys/namespaces/${cleanPath(given)}`))
    if (said?.data?.['status'] === undefined) terminal.warn('Requested namespace does not exist')
    else terminal.print(`Success! Namespace deletion scheduled: ${mountPath(given)}`)
  },
})

const LOCKED = `
Namespace is now locked. Please securely store the unlock key printed above.
You must supply the unlock key to re-enable access to the namespace.
If the unlock key is lost, sudo capability is required to unlock the namespace without it.`

const lock = command({
  doc: 'Lock the API for particular namespaces',
  about: `
Nobody gets into it or any below it until it is unlocked. Without a path it is the one that the command works in.

    $ signet namespace lock team/app`,
  args: ['[PATH]'],
  output: 'format',
  async run(terminal, { args: [given = ''] }) {
    const client = await terminal.client()
    const said = await attempt('Error locking namespace', () => client.write(lockPath('lock', given)))
    if (terminal.format !== 'table') return showData(terminal, said?.data ?? {})
    terminal.print(`Unlock Key: ${said?.data?.['unlock_key'] ?? ''}`)
    terminal.print(LOCKED)
  },
})

const unlock = command({
  doc: 'Unlock the API for particular namespaces',
  about: `
    $ signet namespace unlock -unlock-key=KEY team/app

Who may do so with sudo needs no key.`,
  args: ['[PATH]'],
  flags: { 'unlock-key': text('What locking gave; - reads it from standard input.') },
  async run(terminal, { args: [given = ''], flags }) {
    const key = await secretArg(terminal, flags['unlock-key'])
    const client = await terminal.client()
    const said = await attempt('Error unlocking namespace', () => client.write(lockPath('unlock', given), { unlock_key: key }))
    const [warning] = said?.warnings ?? []
    if (warning === undefined) terminal.print('Namespace unlocked successfully!')
    else terminal.warn(warning)
  },
})

function lockPath(verb: 'lock' | 'unlock', given: string): string {
  const path = cleanPath(given)
  return `sys/namespaces/api-lock/${verb}${path === '' ? '' : `/${path}`}`
}

export const namespace = group('Interact with namespaces', {
  create,
  delete: remove,
  'delete-sealed': deleteSealed,
  list,
  lock,
  lookup,
  patch,
  scan,
  seal,
  'seal-status': sealStatus,
  unlock,
  unseal,
})
