// `signet delete`: what is at one path.
import { command } from '../command.ts'
import { readQuery } from '../data-args.ts'
import { attempt } from '../failure.ts'
import { cleanPath } from '../mount-path.ts'
import { showAnswer } from '../output/show.ts'

export const remove = command({
  doc: 'Delete secrets and configuration',
  about: `
Deletes what is at the given path; what that means is up to the engine there.

    $ signet delete auth/userpass/users/ann`,
  args: ['PATH', '[DATA K=V...]'],
  output: 'field',
  async run(terminal, { args: [first = '', ...rest] }) {
    const path = cleanPath(first)
    const query = await readQuery(terminal, rest, 'Failed to parse string list data')
    const client = await terminal.client()
    const secret = await attempt(`Error deleting ${path}`, () => client.delete(path, query))
    showAnswer(terminal, secret, `Success! Data deleted (if it existed) at: ${path}`)
  },
})
