// What a trust domain shows to everyone: its bundle, and for JWT-SVIDs the documents by which OIDC consumers find the keys.
import { Fault } from '../../base/fault.ts'
import { type Path, path } from '../../contract/module.ts'
import { plain } from '../../contract/reply.ts'
import { formatJwks } from '../../crypto/bundle.ts'
import type { RoomsOf } from '../rooms.ts'
import { bundleReply, formInput } from './bundle-data.ts'

const readInput = { format: formInput }

export function publishedPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('bundle', 'The trust bundle: what one needs to believe identities of this trust domain.', {}, (op) => ({
      read: op({
        doc: 'Read the bundle, as its endpoint serves it (SPIFFE Trust Domain and Bundle §4).',
        access: 'open',
        input: readInput,
        run: ({ mount }, { format }) => bundleReply(roomsOf(mount).authorities.bundle(), format),
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
