// `signet events subscribe`: what happens, as it happens.
import { command, group } from '../command.ts'
import { attempt } from '../failure.ts'
import { list } from '../flag.ts'

const subscribe = command({
  doc: 'Print events as they happen',
  about: `
One line of JSON (a CloudEvent) for each event of the type, with * for any text, until the server ends it
or the command is interrupted. Of each event the policy decides anew: it must grant list and subscribe, with
subscribe_event_types, on the path that the event is about.

    $ signet events subscribe 'kv*'
    $ signet events subscribe -namespaces='*' kv-v2/data-write`,
  args: ['TYPE'],
  flags: { namespaces: list('Namespaces below this one to hear of too, with * for any text. May be given many times.') },
  async run(terminal, { args: [type = ''], flags: { namespaces } }) {
    const client = await terminal.client()
    const query = { json: 'true', ...(namespaces.length > 0 ? { namespaces: namespaces.join(',') } : {}) }
    const why = await attempt('Error subscribing to events', () => client.hear(`sys/events/subscribe/${type}`, query, (text) => terminal.print(text)))
    terminal.warn(`The stream was closed: ${why || 'no reason was given'}`)
    return 2
  },
})

export const events = group('Hear of events', { subscribe })
