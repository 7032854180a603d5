// `signet jwt`: JWT-SVIDs by name, for the token in use, and checking them.
import type { JsonObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { attempt, Failure, fileProblem } from '../failure.ts'
import { duration, list, or, text } from '../flag.ts'
import { showData, showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import { secretArg } from '../secret-arg.ts'
import type { Terminal } from '../terminal.ts'

const OWNER_ONLY = 0o600

const audience = list('Who the token is for. May be given many times.')
const write = text('File to write the token to, in place of printing it.')

const mint = command({
  doc: 'Mint a JWT-SVID',
  about: `
Needs sudo on spiffe/svid/jwt.

    $ signet jwt mint -spiffeID=spiffe://example.org/web -audience=db`,
  flags: {
    spiffeID: or(text('The identity.'), ''),
    audience,
    ttl: or(duration("How long it lives; 0 for the trust domain's time."), 0),
    write,
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.spiffeID === '') throw new Failure(1, 'spiffeID must be specified')
    await obtain(terminal, 'spiffe/svid/jwt', { spiffe_id: flags.spiffeID, ttl: flags.ttl }, flags)
  },
})

const exchange = command({
  doc: 'Get a JWT-SVID for the token in use',
  about: `
By a role of spiffe/exchange, which says for whose logins it is, which identity they get, and for which
audiences.

    $ signet jwt exchange -role=people -audience=db`,
  flags: { role: or(text('Name of the role.'), ''), audience, write },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.role === '') throw new Failure(1, 'a role must be specified')
    await obtain(terminal, 'spiffe/exchange/jwt', { role: flags.role }, flags)
  },
})

async function obtain(
  terminal: Terminal,
  path: string,
  wish: JsonObject,
  { audience, write: file }: { readonly audience: readonly string[]; readonly write: string | undefined },
): Promise<void> {
  if (audience.length === 0) throw new Failure(1, 'at least one audience must be specified')
  const client = await terminal.client()
  const secret = await attempt('unable to mint SVID', () => client.post(path, { ...wish, audience: [...audience] }))
  const token = goText(secret?.data?.['svid'])
  if (file === undefined) return terminal.format === 'table' ? terminal.print(token) : showObject(terminal, secret?.data ?? {})
  await terminal.ports.files.write(file, token, OWNER_ONLY).catch((error: unknown) => {
    throw new Failure(1, `unable to write token: ${fileProblem(error)}`)
  })
  terminal.print(`JWT-SVID written to ${file}`)
}

const validate = command({
  doc: 'Validate a JWT-SVID',
  about: `
Prints whom the token is of and what it says, if it is one of the trust domain, alive, and for the
audience. The token can come from standard input, where no process list shows it.

    $ signet jwt validate -audience=db -svid=- <token`,
  flags: { audience: or(text('Who it must be for.'), ''), svid: text('The token; - reads it from standard input.') },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.audience === '') throw new Failure(1, 'audience must be specified')
    const svid = await secretArg(terminal, flags.svid)
    if (svid === '') throw new Failure(1, 'svid must be specified')
    const client = await terminal.client()
    const secret = await attempt('unable to validate JWT SVID', () => client.post('spiffe/svid/validate', { audience: flags.audience, svid }))
    showData(terminal, secret?.data ?? {})
  },
})

export const jwt = group(
  'Interact with JWT-SVIDs',
  { exchange, mint, validate },
  `
    $ signet jwt mint -spiffeID=spiffe://example.org/web -audience=db`,
)
