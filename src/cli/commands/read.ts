// `signet read`: one path, as it is.
import { command } from '../command.ts'
import { readQuery } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { cleanPath } from '../mount-path.ts'
import { showSecret } from '../output/show.ts'
import type { Terminal } from '../terminal.ts'

export const read = command({
  doc: 'Read data and retrieve secrets',
  about: `
Reads the given path; key=value pairs go along as query parameters.

    $ signet read auth/token/lookup-self
    $ signet read -field=version sys/seal-status`,
  args: ['PATH', '[DATA K=V...]'],
  output: 'field',
  raw: true,
  async run(terminal, { args: [first = '', ...rest] }) {
    const path = cleanPath(first)
    const query = await readQuery(terminal, rest)
    if (terminal.format === 'raw') return readRaw(terminal, path, query)
    const client = await terminal.client()
    const secret = await attempt(`Error reading ${path}`, () => client.read(path, query))
    if (!secret) throw new Failure(2, `No value found at ${path}`)
    showSecret(terminal, secret)
  },
})

async function readRaw(terminal: Terminal, path: string, query: Record<string, string | string[]>): Promise<void> {
  const client = await terminal.client()
  const answer = await attempt(`Error reading: ${path}`, () => client.call('GET', path, { query }))
  terminal.ports.stdout.write(answer.body)
  terminal.ports.stdout.write('\n')
}
