// What a trust domain shows to everyone: its bundle, and for JWT-SVIDs the documents by which OIDC consumers find the keys.
import { choice, or } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { type Path, path } from '../../contract/module.ts'
import { plain, type Reply } from '../../contract/reply.ts'
import { formatBundle, formatJwks } from '../../crypto/bundle.ts'
import { toPem } from '../../crypto/certificate.ts'
import type { RoomsOf } from '../rooms.ts'

const format = { format: or(choice('Form of the answer: the SPIFFE document, or X.509 authorities as PEM.', ['spiffe', 'pem']), 'spiffe') }

export function publishedPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('bundle', 'The trust bundle: what one needs to believe identities of this trust domain.', {}, (op) => ({
      read: op({
        doc: 'Read the bundle, as its endpoint serves it (SPIFFE Trust Domain and Bundle §4).',
        access: 'open',
        input: format,
        run({ mount }, { format: form }): Reply {
          const bundle = roomsOf(mount).authorities.bundle()
          if (form === 'spiffe') return plain(formatBundle(bundle))
          return { kind: 'raw', status: 200, contentType: 'application/x-pem-file', body: Buffer.from(toPem(bundle.x509Authorities)) }
        },
      }),
    })),
    path('trust-domain', 'The trust domain.', {}, (op) => ({
      read: op({ doc: 'Read its name.', access: 'open', run: ({ mount }) => plain({ trust_domain: roomsOf(mount).settings.need().trustDomain }) }),
    })),
    path('.well-known/openid-configuration', 'OIDC discovery, by which clouds and others trust JWT-SVIDs.', {}, (op) => ({
      read: op({
        doc: 'Read the discovery document.',
        access: 'open',
        run({ mount }) {
          const { jwtIssuer } = roomsOf(mount).settings.need()
          if (jwtIssuer === '') throw new Fault('missing', 'this trust domain has no jwt_issuer')
          return plain({
            issuer: jwtIssuer,
            jwks_uri: `${jwtIssuer.replace(/\/$/, '')}/keys`,
            authorization_endpoint: '',
            response_types_supported: ['id_token'],
            subject_types_supported: ['public'],
            id_token_signing_alg_values_supported: ['RS256', 'ES256', 'ES384'],
          })
        },
      }),
    })),
    path('keys', 'The keys of JWT-SVIDs as OIDC consumers read them.', {}, (op) => ({
      read: op({
        doc: 'Read the keys (RFC 7517).',
        access: 'open',
        run: ({ mount }) => plain(formatJwks(roomsOf(mount).authorities.bundle().jwtAuthorities, 'sig')),
      }),
    })),
  ]
}
