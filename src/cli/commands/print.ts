// `signet print token`: the token that commands use.
import { command, group } from '../command.ts'

const token = command({
  doc: 'Print the token currently in use',
  about: `
It comes from the environment, else from the token file that "signet login" writes.`,
  async run(terminal) {
    terminal.print((await terminal.client()).options.token ?? '')
  },
})

export const print = group('Print runtime configuration', { token })
