// `signet namespace seal`, `unseal`, `seal-status`, `delete-sealed`: namespaces with a seal of their own.
import type { JsonObject } from '../../base/json.ts'
import type { Secret } from '../../client/secret.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { bool } from '../flag.ts'
import { cleanPath, mountPath } from '../mount-path.ts'
import { wrap } from '../output/wrap.ts'
import { goText } from '../output/text.ts'
import { showSealOf } from '../seal-status.ts'
import { secretArg } from '../secret-arg.ts'
import { askSecret, type Terminal } from '../terminal.ts'

const pathOf = (given: string, what: string): string => `sys/namespaces/${cleanPath(given)}/${what}`

export const seal = command({
  doc: 'Seal a namespace',
  about: `
Makes the server forget the keys of a namespace with a seal of its own, and of those below it. Only
enough shares of its key open it again.

    $ signet namespace seal team`,
  args: ['PATH'],
  async run(terminal, { args: [given = ''] }) {
    const client = await terminal.client()
    await attempt('Error sealing', () => client.write(pathOf(given, 'seal')))
    terminal.print(`Success! Namespace "${given}" is sealed.`)
  },
})

export const unseal = command({
  doc: 'Unseal a namespace',
  about: `
Gives one share of the key to the server, which opens the namespace once it has enough of them. Without
a second argument the share is asked for on the terminal; "-" takes it from standard input.

    $ signet namespace unseal team
    Unseal Key (will be hidden):`,
  args: ['PATH', '[KEY]'],
  flags: { reset: bool('Forget the shares that were given so far.') },
  output: 'format',
  async run(terminal, { args: [given = '', arg], flags: { reset } }) {
    const client = await terminal.client()
    const give = (body: JsonObject) => client.write(pathOf(given, 'unseal'), body)
    if (reset) return showSealOf(terminal, dataOf(await attempt('Error resetting unseal process', () => give({ reset: true }))))
    const key = (await secretArg(terminal, arg)) || (await askSecret(terminal, 'Unseal Key', 'pipe it in: signet namespace unseal PATH -'))
    showSealOf(terminal, dataOf(await attempt('Error unsealing', () => give({ key }))))
  },
})

export const sealStatus = command({
  doc: 'Print the seal status of a namespace',
  about: `
    $ signet namespace seal-status team`,
  args: ['PATH'],
  output: 'format',
  async run(terminal, { args: [given = ''] }) {
    const client = await terminal.client()
    const found = await attempt('Error reading seal status', () => client.read(pathOf(given, 'seal-status')))
    if (!found?.data) throw new Failure(2, 'Error reading seal status: nothing was answered')
    showSealOf(terminal, found.data)
  },
})

export const deleteSealed = command({
  doc: 'Delete a sealed namespace',
  about: `
For a namespace that nobody can or shall open any more. Its keys are removed first, so that from then on
nothing of it can be read; what it lent outside is not given back. Needs sudo.

    $ signet namespace delete-sealed team`,
  args: ['PATH'],
  flags: { force: bool('Delete all namespaces within it as well.') },
  async run(terminal, { args: [given = ''], flags: { force } }) {
    const client = await terminal.client()
    const query = force ? { force: 'true' } : {}
    const said = await attempt('Error deleting sealed namespace', () => client.delete(pathOf(given, 'delete-sealed'), query))
    if (said?.data?.['status'] === undefined) terminal.warn('Requested namespace does not exist')
    else terminal.print(`Success! Namespace deletion scheduled: ${mountPath(given)}`)
  },
})

function dataOf(said: Secret | undefined): JsonObject {
  return said?.data ?? {}
}

/** The shares of a new seal, shown to people once, beside the namespace. */
export function printShares(terminal: Terminal, shares: readonly unknown[], threshold: unknown): void {
  for (const [i, share] of shares.entries()) terminal.print(`Unseal Key ${i + 1}: ${goText(share as string)}`)
  terminal.print(
    `\n${wrap(`The namespace has a seal of its own, with ${shares.length} key shares and a key threshold of ${goText(threshold as number)}, and is sealed.
      Give each share above to somebody else, to be kept apart. They are shown this once.`)}\n`,
  )
}
