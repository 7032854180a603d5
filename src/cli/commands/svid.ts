// `signet svid`: checking what somebody shows as proof of who they are, and having it believed no more.
import { command, group } from '../command.ts'
import { readFile } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { or, text } from '../flag.ts'
import { showData } from '../output/show.ts'
import { crl, revoke, revoked } from './svid-revoke.ts'

const validate = command({
  doc: 'Validate an SVID',
  about: `
The file holds the certificates of an X509-SVID as PEM, leaf first, or a JWT-SVID, which needs
-audience; "-" is standard input. Says nothing of who holds it: a certificate without its key proves nothing.

    $ signet svid validate svid.pem
    $ signet svid validate -audience=db token.jwt`,
  args: ['FILE'],
  flags: { audience: or(text('Who a JWT-SVID must be for.'), '') },
  output: 'format',
  async run(terminal, { args: [file = ''], flags: { audience } }) {
    const svid = Buffer.from(file === '-' ? await terminal.readStdin() : await readFile(terminal, file)).toString()
    const isX509 = svid.includes('-----BEGIN CERTIFICATE-----')
    if (!isX509 && audience === '') throw new Failure(1, 'audience must be specified for a JWT-SVID')
    const client = await terminal.client()
    const body = isX509 ? { certificate: svid } : { svid: svid.trim(), audience }
    const secret = await attempt('unable to validate SVID', () => client.post('spiffe/svid/validate', body))
    showData(terminal, secret?.data ?? {})
  },
})

export const svid = group(
  'Interact with SVIDs',
  { crl, revoke, revoked, validate },
  `
    $ signet svid validate svid.pem
    $ signet svid revoke -spiffeID=spiffe://example.org/web -reason=key_compromise`,
)
