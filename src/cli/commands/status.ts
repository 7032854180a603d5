// `signet status`: is the server sealed?
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { readSealStatus, showSealStatus } from '../seal-status.ts'

export const status = command({
  doc: 'Print seal and HA status',
  about: `
The exit code tells it too: 0 is unsealed, 2 is sealed, 1 is an error.`,
  output: 'format',
  async run(terminal) {
    // The state of sealing is that of the server, whatever namespace commands work in.
    const client = (await terminal.client()).with({ namespace: '' })
    const status = await attempt('Error checking seal status', () => readSealStatus(client), 1)
    await attempt('Error checking leader status', () => showSealStatus(terminal, client, status), 1)
    return status['sealed'] === true ? 2 : 0
  },
})
