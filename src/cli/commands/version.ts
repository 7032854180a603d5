// `signet version`.
import { command } from '../command.ts'

export const version = command({
  doc: 'Print the version of this program',
  local: true,
  async run(terminal) {
    terminal.print(`Signet v${terminal.ports.version}`)
  },
})
