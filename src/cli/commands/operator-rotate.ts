// `signet operator rotate` and `key-status`: the key that the barrier seals with.
import { pick } from '../output/json.ts'
import { showObject } from '../output/show.ts'
import { columns } from '../output/table.ts'
import { goText } from '../output/text.ts'
import type { Client } from '../../client/client.ts'
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import type { Terminal } from '../terminal.ts'

export const rotate = command({
  doc: 'Start a new encryption key',
  about: `
Makes a new key, with which everything is encrypted that is written from now on; what was written before
stays readable. It takes no time and needs no key shares.

    $ signet operator rotate`,
  output: 'format',
  async run(terminal) {
    const client = await terminal.client()
    await attempt('Error rotating key', () => client.write('sys/rotate'))
    if (terminal.format === 'table') terminal.print('Success! Rotated key\n')
    await showKeyStatus(terminal, client)
  },
})

export const keyStatus = command({
  doc: 'Print what is known of the encryption key',
  about: `
The key's number, when it began, and how much was encrypted with it.

    $ signet operator key-status`,
  output: 'format',
  run: async (terminal) => showKeyStatus(terminal, await terminal.client()),
})

async function showKeyStatus(terminal: Terminal, client: Client): Promise<void> {
  const secret = await attempt('Error reading key status', () => client.read('sys/key-status'))
  const status = secret?.data ?? {}
  if (terminal.format !== 'table') return showObject(terminal, pick(status, 'term install_time encryptions'))
  terminal.print(
    columns([
      ['Key Term', goText(status['term'])],
      ['Install Time', shortTime(String(status['install_time']))],
      ['Encryption Count', goText(status['encryptions'])],
    ]),
  )
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** As Go's RFC 822 layout has it. @example shortTime('2026-11-27T23:25:47Z') // '27 Nov 26 23:25 UTC' */
function shortTime(rfc3339: string): string {
  const [, year, month, day, minute] = /^\d\d(\d\d)-(\d\d)-(\d\d)T(\d\d:\d\d)/.exec(rfc3339) ?? []
  return year === undefined ? rfc3339 : `${day} ${MONTHS[Number(month) - 1]} ${year} ${minute} UTC`
}
