// `signet whoami`: the token in use, and whom it stands for.
import { isObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { showData } from '../output/show.ts'
import { goText } from '../output/text.ts'

export const whoami = command({
  doc: 'Tell whom the token in use stands for',
  about: `
    $ signet whoami`,
  output: 'format',
  async run(terminal) {
    const client = await terminal.client()
    const secret = await attempt('Error asking who this is', () => client.read('sys/whoami'))
    const data = secret?.data ?? {}
    const { mount } = data
    const shown = isObject(mount) ? `${goText(mount['path'] ?? '')} (${goText(mount['type'] ?? '')})` : 'n/a'
    showData(terminal, terminal.format === 'table' ? { ...data, mount: shown } : data)
  },
})
