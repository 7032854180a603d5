// `signet wit`: WIT-SVIDs by name, for a key that is made here and never sent.
import { createPublicKey } from 'node:crypto'
import type { JsonObject } from '../../base/json.ts'
import { isFor, jwkOf } from '../../crypto/jws.ts'
import { KEY_KINDS, type KeyType, newSigningKey, privateJwk } from '../../crypto/signing-key.ts'
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { duration, type FlagValues, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { OWNER_ONLY, writeMinted } from './minted.ts'

const KEY_TYPES = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-4096'] as const satisfies KeyType[]

const keyFlags = {
  keyType: or(text(`Kind of the key: ${KEY_TYPES.join(', ')}.`), 'ec-p256'),
  signingAlgorithm: or(text('By what it signs, such as ES256 or PS256; what is usual for its kind otherwise.'), ''),
  write: text('Folder to write token and key to, in place of printing.'),
}

const mint = command({
  doc: 'Mint a WIT-SVID',
  about: `
Makes a key here, and has a token issued that is bound to it; the key itself is never sent. Needs sudo on
spiffe/svid/wit, and a trust domain whose wit_svids are on. With -write there are the files token and key
(a JWK) in that folder.

    $ signet wit mint -spiffeID=spiffe://example.org/web -ttl=10m -write=/run/web
    $ signet wit mint -spiffeID=spiffe://example.org/web -keyType=rsa-2048 -signingAlgorithm=PS256`,
  flags: {
    spiffeID: or(text('The identity.'), ''),
    ttl: or(duration("How long it lives; 0 for the trust domain's time."), 0),
    ...keyFlags,
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.spiffeID === '') throw new Failure(1, 'spiffeID must be specified')
    await obtain(terminal, 'spiffe/svid/wit', { spiffe_id: flags.spiffeID, ttl: flags.ttl }, flags)
  },
})

const exchange = command({
  doc: 'Get a WIT-SVID for the token in use',
  about: `
By a role of spiffe/exchange that has wit among its svid_types. The key is made here.

    $ signet wit exchange -role=people -write=/run/user/1000/svid`,
  flags: { role: or(text('Name of the role.'), ''), ...keyFlags },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.role === '') throw new Failure(1, 'a role must be specified')
    await obtain(terminal, 'spiffe/exchange/wit', { role: flags.role }, flags)
  },
})

async function obtain(terminal: Terminal, path: string, wish: JsonObject, flags: FlagValues<typeof keyFlags>): Promise<void> {
  const key = newSigningKey(keyTypeOf(flags.keyType))
  const algorithm = flags.signingAlgorithm || KEY_KINDS[key.type].jws || ''
  if (!isFor(algorithm, createPublicKey(key.key)))
    throw new Failure(1, `unsupported key type '${flags.keyType}' for '${algorithm}' signing algorithm`)
  const client = await terminal.client()
  const secret = await attempt('unable to mint SVID', () => client.post(path, { ...wish, jwk: { ...jwkOf(key.publicKey), alg: algorithm } }))
  await give(terminal, { ...secret?.data, private_key: JSON.stringify(privateJwk(key, algorithm)) }, flags.write)
}

function keyTypeOf(given: string): KeyType {
  const found = KEY_TYPES.find((one) => one === given)
  if (!found) throw new Failure(1, `unsupported key type '${given}'`, { hints: [`there are ${KEY_TYPES.join(', ')}`] })
  return found
}

const FILES = [
  { file: 'token', name: 'svid', mode: OWNER_ONLY, what: 'WIT-SVID' },
  { file: 'key', name: 'private_key', mode: OWNER_ONLY, what: 'Private key' },
]

async function give(terminal: Terminal, minted: JsonObject, folder: string | undefined): Promise<void> {
  if (folder !== undefined) return writeMinted(terminal, folder, minted, FILES)
  if (terminal.format !== 'table') return showObject(terminal, minted)
  for (const { name } of FILES) terminal.print(goText(minted[name]))
}

export const wit = group(
  'Interact with WIT-SVIDs',
  { exchange, mint },
  `
    $ signet wit mint -spiffeID=spiffe://example.org/web`,
)
