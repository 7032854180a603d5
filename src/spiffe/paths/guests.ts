// Authorities of others in our bundle: of servers that issue below this one, and those that an administrator adds.
import { X509Certificate } from 'node:crypto'
import { any, int, maybe, or, text, time, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type Json } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, type Reply } from '../../contract/reply.ts'
import { publicKeyOfCsr } from '../../crypto/csr.ts'
import { jwkOf } from '../../crypto/jws.ts'
import { downstreamOf } from '../administrators.ts'
import { type Guest, NO_GUESTS, type TokenKind } from '../authority-set.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { describeBundle } from './bundle-data.ts'

const caInput = {
  csr: text('A signing request in DER, as base64; only its public key is used.'),
  preferred_ttl: or(int('Seconds that the authority shall live; as long as those of the trust domain otherwise.'), 0),
}
const keyInput = {
  key_id: text('Id of the key.'),
  public_key: text('The public key: SubjectPublicKeyInfo in DER, as base64.'),
  expires_at: maybe(time('When it ends; 0 for never.')),
}
const appendInput = {
  x509_authorities: or(any('Certificates in DER, as base64.'), []),
  jwt_authorities: or(any('Objects with key_id, public_key and expires_at.'), []),
  wit_authorities: or(any('The same, of keys for WIT-SVIDs.'), []),
}

/** For servers below this one, each known by the SVID of an entry with `downstream`. */
export function downstreamPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('downstream/x509-ca', 'Authorities of servers below this one.', {}, (op) => ({
      write: op({
        doc: 'Get an X.509 authority that is signed by the one of this server.',
        access: 'open',
        input: caInput,
        async run({ mount, request, clock }, input) {
          const rooms = roomsOf(mount)
          const entry = downstreamOf(rooms, request.peer, clock.now())
          const made = rooms.svids.authority(publicKeyOfCsr(Buffer.from(input.csr, 'base64')), Math.max(input.preferred_ttl, 0))
          // With its entry, what it signed is to be believed no more.
          await rooms.issued.recordAuthority({ ...made, spiffeId: entry.spiffeId, entry: entry.id, agent: '' })
          const { chain, expiresAt } = made
          return data({
            chain: chain.map((one) => one.toString('base64')),
            x509_authorities: rooms.authorities.bundle().x509Authorities.map((one) => one.toString('base64')),
            expires_at: expiresAt / 1000,
          })
        },
      }),
    })),
    ...Object.entries(PUBLISHED).map(([kind, what]) =>
      path(`downstream/${kind}-authority`, 'Keys of servers below this one.', {}, (op) => ({
        write: op({
          doc: `Publish a key for ${what} in the bundle of the trust domain.`,
          access: 'open',
          input: keyInput,
          async run({ mount, request, clock }, input) {
            const rooms = roomsOf(mount)
            downstreamOf(rooms, request.peer, clock.now())
            rooms.settings.needKind(kind as TokenKind)
            await rooms.authorities.publish({ ...NO_GUESTS, [kind]: [guestKey(input)] })
            return data(describeBundle(rooms.authorities.bundle()))
          },
        }),
      })),
    ),
  ]
}

const PUBLISHED = { jwt: 'JWT-SVIDs', wit: 'WIT-SVIDs' } as const satisfies Record<TokenKind, string>

export function appendPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('authorities/append', 'Authorities of others in the bundle.', {}, (op) => ({
      write: op({
        doc: 'Publish authorities of others in the bundle of the trust domain: what they sign is believed from now on.',
        access: 'sudo',
        input: appendInput,
        run: ({ mount }, input) => append(roomsOf(mount), input),
      }),
    })),
  ]
}

async function append({ authorities, settings }: Spiffe, input: Values<typeof appendInput>): Promise<Reply> {
  const x509 = listed(input.x509_authorities).map(guestCertificate)
  const [jwt, wit] = [guestKeys(input.jwt_authorities), guestKeys(input.wit_authorities)]
  if (x509.length + jwt.length + wit.length === 0) throw new Fault('invalid', 'no authorities to append')
  if (wit.length > 0) settings.needKind('wit')
  await authorities.publish({ x509, jwt, wit })
  return data(describeBundle(authorities.bundle()))
}

const guestKeys = (given: Json): Guest[] =>
  listed(given).map((one) => guestKey(isObject(one) ? fieldsOf(one) : { key_id: '', public_key: '', expires_at: 0 }))

function listed(value: Json): readonly Json[] {
  if (!Array.isArray(value)) throw new Fault('invalid', 'expected an array')
  return value
}

function fieldsOf(one: Readonly<Record<string, Json>>): Values<typeof keyInput> {
  return {
    key_id: keyInput.key_id.parse(one['key_id'] ?? ''),
    public_key: keyInput.public_key.parse(one['public_key'] ?? ''),
    expires_at: keyInput.expires_at.parse(one['expires_at'] ?? 0),
  }
}

function guestCertificate(value: Json): Guest {
  const der = Buffer.from(typeof value === 'string' ? value : '', 'base64')
  try {
    const { ca, raw, validToDate } = new X509Certificate(der)
    if (ca && raw.equals(der)) return { id: der.toString('base64'), publicKey: '', expiresAt: validToDate.getTime() }
  } catch {
    // told below
  }
  throw new Fault('invalid', 'an X.509 authority is no certificate of one')
}

function guestKey({ key_id: id, public_key: publicKey, expires_at: expiresAt }: Values<typeof keyInput>): Guest {
  if (id === '') throw new Fault('invalid', 'missing key ID')
  const der = Buffer.from(publicKey, 'base64')
  try {
    jwkOf(der)
  } catch {
    throw new Fault('invalid', 'invalid public key')
  }
  return { id, publicKey: der.toString('base64'), expiresAt: expiresAt ?? 0 }
}
