// `signet audit view`: the audit records that a namespace may see.
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { text } from '../flag.ts'

export const view = command({
  doc: 'Print the audit records of a namespace',
  about: `
One JSON object a line, oldest first, of the namespace that is asked in and of those within it: as the first audit device
that writes to a file with HMACs in place of texts has them, without their chain. Needs sudo on sys/audit-view.

    $ signet audit view -namespace=team -since=2030-01-31T12:00:00Z`,
  flags: { since: text('Only records of this time and later.') },
  async run(terminal, { flags: { since } }) {
    const client = await terminal.client()
    for (let after = '', more = true; more; ) {
      const query = { limit: '1000', ...(since ? { since } : {}), ...(after === '' ? {} : { after }) }
      const page = (await attempt('Error reading audit records', () => client.read('sys/audit-view', query)))?.data
      if (!page) throw new Failure(2, 'this server shows no audit records')
      for (const record of Array.isArray(page['records']) ? page['records'] : []) terminal.print(JSON.stringify(record))
      if (page['rotated'] === true) terminal.warn('The file was rotated meanwhile: some records of the one before may be missing.')
      after = String(page['next'] ?? '')
      more = page['more'] === true
    }
  },
})
