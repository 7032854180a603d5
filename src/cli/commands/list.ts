// `signet list` and `signet scan`: the names under a path, of one level or of all.
import type { Client } from '../../client/client.ts'
import type { Secret } from '../../client/secret.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { int, or, text } from '../flag.ts'
import { cleanPath } from '../mount-path.ts'
import { listOf, showData, showList, showSecret } from '../output/show.ts'
import type { Terminal } from '../terminal.ts'

const flags = {
  after: or(text('Begin after this name, where the path supports pages.'), ''),
  limit: or(int('Show at most so many names, where the path supports pages.'), -1),
}

export const list = command({
  doc: 'List data or secrets',
  about: `
    $ signet list auth/userpass/users`,
  args: ['PATH'],
  flags,
  output: 'detailed',
  run: (terminal, { args: [path = ''], flags }) => listing(terminal, cleanPath(path), flags, 'list'),
})

export const scan = command({
  doc: 'Scan (recursively list) data or secrets',
  about: `
    $ signet scan secret/metadata`,
  args: ['PATH'],
  flags,
  output: 'detailed',
  run: (terminal, { args: [path = ''], flags }) => listing(terminal, cleanPath(path), flags, 'scan'),
})

async function listing(terminal: Terminal, path: string, page: { after: string; limit: number }, verb: 'list' | 'scan'): Promise<number> {
  const client = await terminal.client()
  // Asked for only where wanted: a path without pages warns of parameters that it does not know.
  const query = page.after === '' && page.limit <= 0 ? {} : { after: page.after, limit: String(page.limit) }
  return showListing(terminal, path, verb, () => client[verb](path, query))
}

const DOING = { list: 'listing', scan: 'scanning' } as const

/** Prints the keys that `ask` finds; exit code 2 where there are none. */
export async function showListing(terminal: Terminal, path: string, verb: 'list' | 'scan', ask: () => ReturnType<Client['list']>): Promise<number> {
  const secret = await attempt(`Error ${DOING[verb]} ${path}`, ask)
  if (secret?.wrap_info) showSecret(terminal, secret)
  else if (listOf(secret)) showList(terminal, secret as Secret)
  else return nothing(terminal, path, secret)
  return 0
}

function nothing(terminal: Terminal, path: string, secret: Secret | undefined): number {
  if (terminal.format !== 'table') {
    showData(terminal, {})
    return 2
  }
  // Warnings are all that some answers hold.
  if (secret && !secret.data) {
    showSecret(terminal, secret)
    return 0
  }
  throw new Failure(2, `No ${secret ? 'entries' : 'value'} found at ${path}`)
}
