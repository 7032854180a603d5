// spiffe/svid: identities issued by name, for those whom policy lets; agents get theirs by entries.
import { list, maybe, or, seconds, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data } from '../../contract/reply.ts'
import { fromPem, toPem } from '../../crypto/certificate.ts'
import { publicKeyOfCsr } from '../../crypto/csr.ts'
import { jwtKeyOf } from '../../crypto/bundle.ts'
import { verifyJwtSvid } from '../../crypto/jwt-svid.ts'
import { parseSpiffeId, type SpiffeId, type TrustDomain } from '../../crypto/spiffe-id.ts'
import { verifyX509Svid } from '../../crypto/x509-svid.ts'
import { parseSubject } from '../entry.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import type { TokenSvid } from '../svids.ts'
import { csrDer } from './csr-text.ts'
import { boundKeyIn, jwkField } from './jwk-text.ts'

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
const witInput = { ...spiffeIdField, jwk: jwkField, ttl }
const validateInput = {
  svid: maybe(secret(text('A JWT-SVID.'))),
  audience: or(text('Who the JWT-SVID must be for.'), ''),
  certificate: maybe(text('Instead of a token, an X509-SVID: its certificates as PEM, leaf first.')),
}

const x509Output = {
  certificate: text('The chain as PEM, leaf first.'),
  bundle: text('The X.509 authorities as PEM.'),
  expires_at: text('When it ends.'),
}
const times = { issued_at: text('When it was made.'), expires_at: text('When it ends.') }
const jwtOutput = { svid: secret(text('The token.')), ...times }
const witOutput = { svid: text('The token, which is no secret: it is worth nothing without the private key.'), ...times }

export function svidPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('svid/x509', 'X509-SVIDs by name.', {}, (op) => ({
      write: op({
        doc: 'Issue an X509-SVID for the key of a signing request.',
        access: 'sudo',
        input: x509Input,
        output: x509Output,
        async run({ mount }, input) {
          const { svids, issued, authorities } = roomsOf(mount)
          const id = parseSpiffeId(input.spiffe_id)
          const subject = parseSubject(input.subject)
          const publicKey = publicKeyOfCsr(csrDer(input.csr))
          const svid = svids.x509({ id, publicKey, ttl: input.ttl, dnsNames: input.dns_names, subject })
          await issued.record([{ ...svid, spiffeId: id, entry: '', agent: '' }])
          const { chain, expiresAt } = svid
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
          return data(describeToken(id, roomsOf(mount).svids.jwt(id, input.audience, input.ttl)))
        },
      }),
    })),
    path('svid/wit', 'WIT-SVIDs by name.', {}, (op) => ({
      write: op({
        doc: 'Issue a WIT-SVID for a public key, whose holder alone can make use of it.',
        access: 'sudo',
        input: witInput,
        output: witOutput,
        run({ mount }, input) {
          const id = parseSpiffeId(input.spiffe_id)
          return data(describeToken(id, roomsOf(mount).svids.wit(id, boundKeyIn(input.jwk), input.ttl)))
        },
      }),
    })),
    path('svid/validate', 'Checking SVIDs.', {}, (op) => ({
      write: op({
        doc: 'Check a JWT-SVID for an audience, or an X509-SVID, of this trust domain or one that it federates with.',
        input: validateInput,
        run: ({ mount, clock }, input) => data(validate(roomsOf(mount), input, clock.now())),
      }),
    })),
  ]
}

function describeToken(id: SpiffeId, { token, issuedAt, expiresAt }: TokenSvid): JsonObject {
  return { spiffe_id: id, svid: token, issued_at: new Date(issuedAt).toISOString(), expires_at: new Date(expiresAt).toISOString() }
}

function validate(rooms: Spiffe, { svid, audience, certificate }: Values<typeof validateInput>, now: number): JsonObject {
  const home = rooms.settings.need().trustDomain
  const bundleOf = (domain: TrustDomain) => (domain === home ? rooms.authorities.bundle() : rooms.bundles.get(domain))
  if ((svid === undefined) === (certificate === undefined)) throw new Fault('invalid', 'either svid or certificate is needed')
  if (svid === undefined) {
    const found = verifyX509Svid(fromPem(certificate as string), now, (domain) => bundleOf(domain)?.x509Authorities, rooms.revocations.has)
    return { spiffe_id: found.id, serial_number: found.serial, expires_at: new Date(found.expiresAt).toISOString() }
  }
  if (audience === '') throw new Fault('invalid', 'missing audience')
  const { id, claims } = verifyJwtSvid(svid, audience, now, (domain, kid) => {
    const bundle = bundleOf(domain)
    return bundle && jwtKeyOf(bundle, kid)
  })
  return { spiffe_id: id, claims }
}
