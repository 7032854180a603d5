// `signet operator import`: everything that the API of another server tells, carried over into this one.
import { type Client, openClient } from '../../client/client.ts'
import { command } from '../command.ts'
import { lookup } from '../environment.ts'
import { Failure, fileProblem } from '../failure.ts'
import { bool, text } from '../flag.ts'
import type { Importing } from '../import/importing.ts'
import { importKv1 } from '../import/kv1.ts'
import { importKv2 } from '../import/kv2.ts'
import { nameLeftovers } from '../import/leftovers.ts'
import { importLogins } from '../import/logins.ts'
import { ENGINES, importMounts, METHODS } from '../import/mounts.ts'
import { importPolicies } from '../import/policies.ts'
import { type Line, Report } from '../import/report.ts'
import { showObject } from '../output/show.ts'
import { table } from '../output/table.ts'
import { askSecret, type Terminal } from '../terminal.ts'

const flags = {
  'dry-run': bool('Write nothing; tell what would be carried.'),
  source: text('Address of the server to read from.'),
  'source-ca-cert': text('File with PEM certificates to trust the source by.'),
  'source-namespace': text('Namespace of the source to read from.'),
  'source-tls-skip-verify': bool('Trust any certificate of the source.'),
  verbose: bool('A line for each thing, as it is done.'),
}

export const importCommand = command({
  doc: 'Carry over what a Vault or OpenBao server holds',
  about: `
Reads another server over its API and writes to the one that VAULT_ADDR names: mounts with their settings,
policies, secrets of KV versions 1 and 2 with all versions and metadata, users, roles and token roles.
It can be run again at any time: what is there already is left alone, and what was cut short is finished.
What can't be carried is listed at the end, with what to do about it.

The token for the source, which must be able to read all that shall be carried, comes from
VAULT_SOURCE_TOKEN, or is asked for.

    $ export VAULT_SOURCE_TOKEN=…
    $ signet operator import -dry-run -source=https://old.example:8200
    $ signet operator import -source=https://old.example:8200`,
  flags,
  output: 'format',
  async run(terminal, { flags: given }) {
    const source = await sourceOf(terminal, given)
    const told = given.verbose ? (line: Line) => terminal.warn(toText(line)) : undefined
    const importing: Importing = { source, target: await terminal.client(), report: new Report(told), dryRun: given['dry-run'] }
    await importAll(importing, terminal)
    show(terminal, importing)
    return importing.report.failed ? 2 : 0
  },
})

async function importAll(importing: Importing, terminal: Terminal): Promise<void> {
  const step = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    terminal.warn(what)
    return run()
  }
  const { report, dryRun } = importing
  await step('policies', () => importPolicies(importing))
  const methods = await step('auth methods', () => importMounts(importing, METHODS))
  await step('users and roles', () => importLogins(importing, methods))
  const engines = await step('secrets engines', () => importMounts(importing, ENGINES))
  for (const { path, type, options } of engines) {
    if (type === 'kv' || type === 'generic')
      await step(`secrets of ${path}`, () => (options['version'] === '2' ? importKv2(importing, path) : importKv1(importing, path)))
    else if (!dryRun) report.add('contents', path, 'left', `what an engine of type ${type} holds is not carried`)
  }
  await nameLeftovers(importing)
}

async function sourceOf(
  terminal: Terminal,
  given: {
    source: string | undefined
    'source-ca-cert': string | undefined
    'source-namespace': string | undefined
    'source-tls-skip-verify': boolean
  },
): Promise<Client> {
  if (!given.source) throw new Failure(1, 'the server to read from is needed', { hints: ['signet operator import -source=https://old.example:8200'] })
  const token =
    lookup(terminal.ports.env, 'SOURCE_TOKEN')?.value.trim() || (await askSecret(terminal, 'Token for the source', 'set VAULT_SOURCE_TOKEN'))
  const ca = given['source-ca-cert']
  return openClient({
    address: given.source,
    request: terminal.ports.request,
    token,
    ...(given['source-namespace'] === undefined ? {} : { namespace: given['source-namespace'] }),
    tls: { ...(ca ? { ca: [await readText(terminal, ca)] } : {}), ...(given['source-tls-skip-verify'] ? { skipVerify: true } : {}) },
    retries: { max: 2, sleep: terminal.ports.sleep },
  })
}

async function readText(terminal: Terminal, path: string): Promise<string> {
  const bytes = await terminal.ports.files.read(path).catch((error: unknown) => {
    throw new Failure(2, `${path}: ${fileProblem(error)}`)
  })
  return Buffer.from(bytes).toString()
}

function show(terminal: Terminal, { report, dryRun }: Importing): void {
  if (terminal.format !== 'table') return showObject(terminal, report.toJson())
  const counts = Object.entries(report.counts()).map(([kind, by]) => [kind, ...[by.carried, by.same, by.left, by.failed].map(String)])
  terminal.print(table(['Kind', dryRun ? 'To carry' : 'Carried', 'There already', 'Left', 'Failed'], counts))
  const open = report.lines.filter(({ outcome }) => outcome === 'left' || outcome === 'failed')
  if (open.length > 0) terminal.print(`\n${open.map(toText).join('\n')}`)
}

function toText({ kind, name, outcome, why }: Line): string {
  return `${outcome}: ${kind} ${name}${why === undefined ? '' : `: ${why}`}`
}
