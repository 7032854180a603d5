// `signet policy`: the rules of who may do what.
import { command, group } from '../command.ts'
import { ApiError } from '../../client/failure.ts'
import type { Client } from '../../client/client.ts'
import { parseSecret } from '../../client/secret.ts'
import { attempt, Failure, fileProblem } from '../failure.ts'
import { listOf, showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { lint, test } from './policy-check.ts'
import { explain } from './policy-explain.ts'

const BASE = 'sys/policies/acl'
const canonical = (name: string): string => name.trim().toLowerCase()

const list = command({
  doc: 'List the installed policies',
  output: 'format',
  async run(terminal) {
    const client = await terminal.client()
    const secret = await attempt('Error listing policies', () => client.list(BASE))
    const names = (listOf(secret) ?? []).map(goText)
    if (terminal.format === 'table') for (const name of names) terminal.print(name)
    else showObject(terminal, names)
  },
})

const read = command({
  doc: 'Print the rules of a policy',
  args: ['NAME'],
  output: 'format',
  async run(terminal, { args: [name = ''] }) {
    const client = await terminal.client()
    const policy = await attempt(`Error reading policy named ${canonical(name)}`, () => readPolicy(client, canonical(name)))
    if (policy === '') throw new Failure(2, `No policy named: ${canonical(name)}`)
    if (terminal.format === 'table') terminal.print(policy.trim())
    else showObject(terminal, { policy })
  },
})

/** '' where there is none. */
async function readPolicy(client: Client, name: string): Promise<string> {
  try {
    const secret = parseSecret((await client.call('GET', `${BASE}/${name}`)).body)
    return goText(secret?.data?.['policy'] ?? '')
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return ''
    throw error
  }
}

const write = command({
  doc: 'Upload a policy from a file',
  about: `
The file "-" is standard input.

    $ signet policy write app app.hcl`,
  args: ['NAME', 'PATH'],
  async run(terminal, { args: [given = '', path = ''] }) {
    const name = canonical(given)
    const client = await terminal.client()
    const policy = await readRules(terminal, path.trim())
    await attempt('Error uploading policy', () => client.write(`${BASE}/${name}`, { policy }))
    if (name !== given) terminal.warn(`Policy name was converted from "${given}" to "${name}"`)
    terminal.print(`Success! Uploaded policy: ${name}`)
  },
})

async function readRules(terminal: Terminal, path: string): Promise<string> {
  if (path === '-') return Buffer.from(await terminal.readStdin()).toString()
  return readText(terminal, path, 2, 'Error opening policy file')
}

async function readText(terminal: Terminal, path: string, exitCode: 1 | 2, doing: string): Promise<string> {
  const bytes = await terminal.ports.files.read(path).catch((error: unknown) => {
    throw new Failure(exitCode, `${doing}: open ${path}: ${fileProblem(error)}`)
  })
  return Buffer.from(bytes).toString()
}

const remove = command({
  doc: 'Delete a policy by name',
  args: ['NAME'],
  async run(terminal, { args: [given = ''] }) {
    const name = canonical(given)
    const client = await terminal.client()
    await attempt(`Error deleting ${name}`, () => client.delete(`${BASE}/${name}`))
    terminal.print(`Success! Deleted policy: ${name}`)
  },
})

const fmt = command({
  doc: 'Format a policy file on disk',
  about: `
Checks the policy and rewrites the file in the usual form.`,
  args: ['PATH'],
  local: true,
  async run(terminal, { args: [given = ''] }) {
    const { files, format, home } = terminal.ports
    const path = given.trim().replace(/^~(?=\/|$)/, home)
    const source = await readText(terminal, path, 1, 'Error reading source file')
    const formatted = await attempt(`Error in ${path}`, async () => format.policy(source), 1)
    await files.write(path, formatted, 0o644).catch((error: unknown) => {
      throw new Failure(1, `Error writing result: ${fileProblem(error)}`)
    })
    terminal.print(`Success! Formatted policy: ${path}`)
  },
})

export const policy = group('Interact with policies', { delete: remove, explain, fmt, lint, list, read, test, write })
