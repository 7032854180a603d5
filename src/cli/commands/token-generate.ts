// `signet token generate`: a join token, with which one node becomes an agent.
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { duration, or, text } from '../flag.ts'
import { showSecret } from '../output/show.ts'
import { goText } from '../output/text.ts'

export const generate = command({
  doc: 'Generate a join token for an agent',
  about: `
The token lets one node attest, once. With a SPIFFE ID the node gets that name too, by which entries
can say whose workloads they are.

    $ signet token generate -spiffeID=spiffe://example.org/node
    Token: 6ba7b810-9dad-41d1-80b4-00c04fd430c8`,
  flags: {
    spiffeID: text('A SPIFFE ID for the node, besides its own.'),
    ttl: or(duration('How long the token can be used.'), 600),
  },
  output: 'field',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const body = { ttl: flags.ttl, ...(flags.spiffeID ? { spiffe_id: flags.spiffeID } : {}) }
    const secret = await attempt('Error generating join token', () => client.post('spiffe/join-tokens', body))
    if (!secret) throw new Failure(2, 'Error generating join token: the server gave none')
    if (terminal.format !== 'table' || terminal.field !== undefined || secret.wrap_info) return showSecret(terminal, secret)
    terminal.print(`Token: ${goText(secret.data?.['token'])}`)
    if (!flags.spiffeID) terminal.print('Warning: Missing SPIFFE ID.')
  },
})
