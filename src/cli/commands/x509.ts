// `signet x509`: X509-SVIDs by name, and for the token in use.
import { pem } from '../../crypto/certificate.ts'
import { newCsr } from '../../crypto/csr.ts'
import { exportSigningKey, newSigningKey } from '../../crypto/signing-key.ts'
import type { JsonObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { duration, list, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { FOR_ALL, OWNER_ONLY, writeMinted } from './minted.ts'

const write = text('Folder to write svid.pem, key.pem and bundle.pem to, in place of printing.')

const mint = command({
  doc: 'Mint an X509-SVID',
  about: `
Makes a key here, and has its certificate issued; the key itself is never sent. Needs sudo on
spiffe/svid/x509. With -write there are svid.pem, key.pem and bundle.pem in that folder.

    $ signet x509 mint -spiffeID=spiffe://example.org/web -ttl=10m -write=/run/web`,
  flags: {
    spiffeID: or(text('The identity.'), ''),
    ttl: or(duration("How long it lives; 0 for the trust domain's time."), 0),
    dns: list('DNS name in it; the first is its common name. May be given many times.'),
    subject: or(text('Its subject, such as CN=orders.'), ''),
    write,
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.spiffeID === '') throw new Failure(1, 'spiffeID must be specified')
    const wish = { spiffe_id: flags.spiffeID, ttl: flags.ttl, dns_names: [...flags.dns], subject: flags.subject }
    await obtain(terminal, 'spiffe/svid/x509', wish, flags.write)
  },
})

const exchange = command({
  doc: 'Get an X509-SVID for the token in use',
  about: `
By a role of spiffe/exchange, which says for whose logins it is and which identity they get; no agent
is needed. The key is made here.

    $ signet login -method=userpass username=ann
    $ signet x509 exchange -role=people -write=/run/user/1000/svid`,
  flags: { role: or(text('Name of the role.'), ''), write },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.role === '') throw new Failure(1, 'a role must be specified')
    await obtain(terminal, 'spiffe/exchange/x509', { role: flags.role }, flags.write)
  },
})

async function obtain(terminal: Terminal, path: string, wish: JsonObject, folder: string | undefined): Promise<void> {
  const client = await terminal.client()
  const key = newSigningKey('ec-p256')
  const secret = await attempt('unable to mint SVID', () => client.post(path, { ...wish, csr: newCsr(key).toString('base64') }))
  const svid: JsonObject = { ...secret?.data, private_key: pem('PRIVATE KEY', exportSigningKey(key)) }
  if (folder !== undefined) return writeMinted(terminal, folder, svid, FILES)
  if (terminal.format !== 'table') return showObject(terminal, svid)
  for (const [title, name] of PARTS) terminal.print(`${title}:\n${goText(svid[name])}`)
}

const PARTS = [
  ['X509-SVID', 'certificate'],
  ['Private key', 'private_key'],
  ['Root CAs', 'bundle'],
] as const

const FILES = [
  { file: 'svid.pem', name: 'certificate', mode: FOR_ALL, what: 'X509-SVID' },
  { file: 'key.pem', name: 'private_key', mode: OWNER_ONLY, what: 'Private key' },
  { file: 'bundle.pem', name: 'bundle', mode: FOR_ALL, what: 'Root CAs' },
]

export const x509 = group(
  'Interact with X509-SVIDs',
  { exchange, mint },
  `
    $ signet x509 mint -spiffeID=spiffe://example.org/web`,
)
