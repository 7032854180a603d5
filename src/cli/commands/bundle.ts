// `signet bundle`: what one needs to believe identities, of the trust domain and of foreign ones.
import { toPem } from '../../crypto/certificate.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { command, group } from '../command.ts'
import { readFile } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { oneOf, or, text } from '../flag.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { findAll } from './entry/find.ts'
import { counted } from './entry/print.ts'

const BUNDLES = 'spiffe/bundles'
export const formatFlag = or(oneOf(text('pem, for X.509 authorities alone, or spiffe, for all of it as JSON.'), 'pem', 'spiffe'), 'pem')
const idFlag = or(text('The foreign trust domain: its name, or its SPIFFE ID.'), '')

const show = command({
  doc: "Print the trust domain's bundle",
  about: `
It is public: no token is needed.

    $ signet bundle show >bundle.pem
    $ signet bundle show -format=spiffe`,
  flags: { format: formatFlag },
  async run(terminal, { flags: { format } }) {
    terminal.ports.stdout.write(await readBundle(await terminal.anonymous(), 'spiffe/bundle', format))
  },
})

const list = command({
  doc: 'List bundles of foreign trust domains',
  about: `
    $ signet bundle list
    $ signet bundle list -id=partner.test -format=spiffe`,
  flags: { id: idFlag, format: formatFlag },
  async run(terminal, { flags: { id, format } }) {
    const client = await terminal.client()
    if (id !== '') return terminal.ports.stdout.write(await readBundle(client, `${BUNDLES}/${domainOf(id)}`, format))
    for (const [index, found] of (await findAll(client, BUNDLES, {})).entries()) {
      const name = goText(found['trust_domain'])
      const body = format === 'pem' ? authorities(found) : await readBundle(client, `${BUNDLES}/${name}`, format)
      terminal.ports.stdout.write(`${index === 0 ? '' : '\n'}${LINE}\n* ${name}\n${LINE}\n${body}`)
    }
  },
})

const LINE = '*'.repeat(40)

function authorities({ x509_authorities: all }: JsonObject): string {
  const certificates = Array.isArray(all) ? all.filter(isObject) : []
  return toPem(certificates.map(({ asn1 }) => Buffer.from(goText(asn1), 'base64')))
}

async function readBundle(client: Client, path: string, format: string): Promise<string> {
  const answer = await attempt('Error reading the bundle', () => client.call('GET', path, { query: { format } }))
  const body = Buffer.from(answer.body).toString()
  return format === 'pem' ? body : `${JSON.stringify(JSON.parse(body), null, 2)}\n`
}

const set = command({
  doc: 'Set the bundle of a foreign trust domain',
  about: `
Identities of that trust domain are believed by it from now on. Without -path it comes from standard input.

    $ signet bundle set -id=partner.test -path=partner.pem
    $ signet bundle set -id=partner.test -format=spiffe <partner.json`,
  flags: { id: idFlag, path: text('File with the bundle.'), format: formatFlag },
  async run(terminal, { flags: { id, path, format } }) {
    const name = domainOf(id)
    const bundle = await readText(terminal, path)
    const client = await terminal.client()
    await attempt('Error setting the bundle', () => client.post(`${BUNDLES}/${name}`, { bundle, format }))
    terminal.print('bundle set.')
  },
})

const remove = command({
  doc: 'Delete the bundle of a foreign trust domain',
  about: `
    $ signet bundle delete -id=partner.test -mode=dissociate`,
  flags: {
    id: idFlag,
    mode: or(
      oneOf(
        text('What becomes of entries that federate with it: restrict refuses, dissociate changes them, delete deletes them too.'),
        'restrict',
        'dissociate',
        'delete',
      ),
      'restrict',
    ),
  },
  async run(terminal, { flags: { id, mode } }) {
    const name = domainOf(id)
    const client = await terminal.client()
    await attempt('Error deleting the bundle', () => client.call('DELETE', `${BUNDLES}/${name}`, { query: { mode } }))
    terminal.print('bundle deleted.')
  },
})

const count = command({
  doc: 'Count bundles, the own one included',
  async run(terminal) {
    const foreign = await findAll(await terminal.client(), BUNDLES, {})
    terminal.print(counted(foreign.length + 1, 'bundle', 'bundles'))
  },
})

/** Throws a Failure where none is given. */
export function domainOf(id: string): string {
  const name = id.replace(/^spiffe:\/\//, '')
  if (name === '') throw new Failure(1, 'id is required')
  if (/[/?#]/.test(name)) throw new Failure(1, `${JSON.stringify(id)} is not a trust domain`)
  return name
}

/** Of a file, or of standard input. */
export async function readText(terminal: Terminal, path: string | undefined): Promise<string> {
  return Buffer.from(path === undefined ? await terminal.readStdin() : await readFile(terminal, path)).toString()
}

export const bundle = group(
  'Interact with bundles, of the trust domain and of foreign ones',
  { count, delete: remove, list, set, show },
  `
    $ signet bundle show >bundle.pem
    $ signet bundle set -id=partner.test -path=partner.pem`,
)
