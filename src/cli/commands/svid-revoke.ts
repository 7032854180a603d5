// `signet svid revoke`, `revoked` and `crl`: X509-SVIDs that are believed no more, those that are so already, and the lists that say so.
import type { JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { readFile } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText, goTime } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { findAll } from './entry/find.ts'
import { counted } from './entry/print.ts'

/** Why, for every command that revokes. */
export const reason = text('Why: unspecified, key_compromise, affiliation_changed, superseded, cessation_of_operation or privilege_withdrawn.')

export const revoke = command({
  doc: 'Revoke X509-SVIDs',
  about: `
One, by its certificate or serial number, or all that live of a SPIFFE ID, an entry or an agent. They are
on the revocation list of their authority at once, and the server takes them no more. An entry that stands
gives its workload a new one; "signet entry delete -revoke" ends the entry too.

    $ signet svid revoke -certificate=svid.pem -reason=key_compromise
    $ signet svid revoke -spiffeID=spiffe://example.org/web`,
  flags: {
    certificate: text('File with its certificate as PEM; - is standard input.'),
    serialNumber: text('Its serial number in hex.'),
    authorityID: text('With -serialNumber: the X.509 authority that signed it, where no record says which.'),
    spiffeID: text('All that live with this SPIFFE ID.'),
    entryID: text('All that live and were made for this entry.'),
    agentID: text('All that live and were given to the agent with this SPIFFE ID.'),
    reason,
  },
  output: 'format',
  async run(terminal, { flags }) {
    const { certificate, serialNumber, authorityID, spiffeID, entryID, agentID } = flags
    if ([certificate, serialNumber, spiffeID, entryID, agentID].filter((one) => one !== undefined).length !== 1)
      throw new Failure(1, 'exactly one of -certificate, -serialNumber, -spiffeID, -entryID and -agentID is needed')
    const wanted = {
      certificate: certificate === undefined ? undefined : await fileText(terminal, certificate),
      serial_number: serialNumber,
      authority_id: authorityID,
      spiffe_id: spiffeID,
      entry_id: entryID,
      agent_id: agentID,
      reason: flags.reason,
    }
    const body = Object.fromEntries(Object.entries(wanted).filter((pair): pair is [string, string] => pair[1] !== undefined))
    const client = await terminal.client()
    const secret = await attempt('unable to revoke', () => client.post('spiffe/svid/revoke', body))
    if (terminal.format !== 'table') return showObject(terminal, secret?.data ?? {})
    for (const warning of secret?.warnings ?? []) terminal.warn(warning)
    terminal.print(revokedText(secret?.data ?? {}))
  },
})

/** What became of them, in words. */
export function revokedText({ revoked: now, already_revoked: before }: JsonObject): string {
  const already = Number(before) > 0 ? `; ${goText(before)} revoked before` : ''
  return `Revoked ${counted(Number(now ?? 0), 'X509-SVID', 'X509-SVIDs')}${already}`
}

async function fileText(terminal: Terminal, file: string): Promise<string> {
  return Buffer.from(file === '-' ? await terminal.readStdin() : await readFile(terminal, file)).toString()
}

export const revoked = command({
  doc: 'List revoked X509-SVIDs',
  about: `
Those that revocation lists name; they leave the lists some time after they would have ended.

    $ signet svid revoked -spiffeID=spiffe://example.org/web`,
  flags: { spiffeID: text('Those with this SPIFFE ID.') },
  output: 'format',
  async run(terminal, { flags }) {
    const query = flags.spiffeID === undefined ? {} : { spiffe_id: flags.spiffeID }
    const found = await findAll(await terminal.client(), 'spiffe/svid/revoked', query)
    if (terminal.format !== 'table') return showObject(terminal, { revoked: found })
    if (found.length === 0) return terminal.print('No revoked X509-SVIDs found')
    terminal.print(`Found ${counted(found.length, 'revoked X509-SVID', 'revoked X509-SVIDs')}:\n`)
    for (const one of found) terminal.print(lineOf(one))
  },
})

export const crl = command({
  doc: 'Show the revocation lists',
  about: `
Of each X.509 authority in the bundle, as PEM one after another.

    $ signet svid crl >crl.pem
    $ openssl verify -crl_check -CAfile bundle.pem -CRLfile crl.pem svid.pem`,
  async run(terminal) {
    const client = await terminal.client()
    const { body } = await attempt('unable to read the revocation lists', () => client.call('GET', 'spiffe/crl'))
    terminal.print(body.toString().trimEnd())
  },
})

function lineOf(one: JsonObject): string {
  const lines: readonly (readonly [string, string])[] = [
    ['SPIFFE ID', goText(one['spiffe_id']) || 'unknown'],
    ['Serial number', goText(one['serial_number'])],
    ['Authority ID', goText(one['authority_id'])],
    ['Revoked at', goTime(goText(one['revoked_at']))],
    ['Reason', goText(one['reason'])],
  ]
  return lines.map(([title, value]) => `${title.padEnd(16)}: ${value}\n`).join('')
}
