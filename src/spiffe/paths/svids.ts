// spiffe/svid: identities issued by name, for those whom policy lets; agents get theirs by entries.
import { list, or, seconds, secret, text } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { type Path, path } from '../../contract/module.ts'
import { data } from '../../contract/reply.ts'
import { toPem } from '../../crypto/certificate.ts'
import { publicKeyOfCsr } from '../../crypto/csr.ts'
import { jwtKeyOf } from '../../crypto/bundle.ts'
import { verifyJwtSvid } from '../../crypto/jwt-svid.ts'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import { parseSubject } from '../entry.ts'
import type { RoomsOf } from '../rooms.ts'

const spiffeIdField = { spiffe_id: text('The identity.') }
const ttl = or(seconds("Lifetime; the trust domain's otherwise."), 0)

const x509Input = {
  ...spiffeIdField,
  csr: text('A signing request as PEM or base64; only its public key is used.'),
  ttl,
  dns_names: or(list('DNS names; the first is the common name.'), []),
  subject: or(text('Subject, such as CN=orders,O=Example.'), ''),
}
const jwtInput = { ...spiffeIdField, audience: or(list('Who the token is for.'), []), ttl }
const validateInput = { svid: secret(text('The token.')), audience: text('Who it must be for.') }

const x509Output = {
  certificate: text('The chain as PEM, leaf first.'),
  bundle: text('The X.509 authorities as PEM.'),
  expires_at: text('When it ends.'),
}
const jwtOutput = { svid: secret(text('The token.')), issued_at: text('When it was made.'), expires_at: text('When it ends.') }

export function svidPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('svid/x509', 'X509-SVIDs by name.', {}, (op) => ({
      write: op({
        doc: 'Issue an X509-SVID for the key of a signing request.',
        access: 'sudo',
        input: x509Input,
        output: x509Output,
        run({ mount }, input) {
          const { svids, authorities } = roomsOf(mount)
          const id = parseSpiffeId(input.spiffe_id)
          const subject = parseSubject(input.subject)
          const publicKey = publicKeyOfCsr(derOf(input.csr))
          const { chain, expiresAt } = svids.x509({ id, publicKey, ttl: input.ttl, dnsNames: input.dns_names, subject })
          const bundle = toPem(authorities.bundle().x509Authorities)
          return data({ spiffe_id: id, certificate: toPem(chain), bundle, expires_at: new Date(expiresAt).toISOString() })
        },
      }),
    })),
    path('svid/jwt', 'JWT-SVIDs by name.', {}, (op) => ({
      write: op({
        doc: 'Issue a JWT-SVID.',
        access: 'sudo',
        input: jwtInput,
        output: jwtOutput,
        run({ mount }, input) {
          const id = parseSpiffeId(input.spiffe_id)
          const { token, issuedAt, expiresAt } = roomsOf(mount).svids.jwt(id, input.audience, input.ttl)
          const times = { issued_at: new Date(issuedAt).toISOString(), expires_at: new Date(expiresAt).toISOString() }
          return data({ spiffe_id: id, svid: token, ...times })
        },
      }),
    })),
    path('svid/validate', 'Checking a JWT-SVID.', {}, (op) => ({
      write: op({
        doc: 'Check a JWT-SVID of this trust domain for an audience.',
        input: validateInput,
        run({ mount, clock }, input) {
          const { settings, authorities } = roomsOf(mount)
          const home = settings.need().trustDomain
          const keyOf = (domain: string, kid: string) => (domain === home ? jwtKeyOf(authorities.bundle(), kid) : undefined)
          const { id, claims } = verifyJwtSvid(input.svid, input.audience, clock.now(), keyOf)
          return data({ spiffe_id: id, claims })
        },
      }),
    })),
  ]
}

function derOf(csr: string): Buffer {
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+)-----END/.exec(csr)?.[1] ?? csr
  const bare = body.replace(/\s+/g, '')
  if (bare === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(bare)) throw new Fault('invalid', 'csr is neither PEM nor base64')
  return Buffer.from(bare, 'base64')
}
