// spiffe/exchange: roles by which the token of a login becomes an SVID, and the exchange itself.
import { list, maybe, or, pairs, seconds, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import type { Token } from '../../contract/token.ts'
import { toPem } from '../../crypto/certificate.ts'
import { publicKeyOfCsr } from '../../crypto/csr.ts'
import type { ExchangeRole } from '../exchange.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { csrDer } from './csr-text.ts'
import { boundKeyIn, jwkField } from './jwk-text.ts'

const name = { name: text('Name of the role: letters, digits, dashes, dots and underscores.') }
const NAME = /^\w[\w.-]{0,127}$/

const roleInput = {
  bound_mount_accessors: maybe(list('Accessors of the auth mounts whose logins may be exchanged. Tokens made from tokens are not.')),
  bound_policies: maybe(list('Policies that the token must have, all of them.')),
  bound_metadata: maybe(pairs('What the metadata of the login must say.')),
  spiffe_id: maybe(text('The SPIFFE ID that it gets. {{metadata.KEY}} and {{mount_accessor}} stand for segments, or parts of them.')),
  svid_types: maybe(list('Which SVIDs are given: x509, jwt, wit; the first two unless it is said.')),
  audiences: maybe(list('Audiences that JWT-SVIDs may be for.')),
  ttl: maybe(seconds("Lifetime of the SVIDs; 0 for the trust domain's. None outlives its token.")),
}
const asked = { role: text('The role to go by.') }
const x509Input = { ...asked, csr: text('A signing request as PEM or base64; only its public key is used.') }
const jwtInput = { ...asked, audience: or(list('Who the token is for.'), []) }
const witInput = { ...asked, jwk: jwkField }
const x509Output = {
  certificate: text('The chain as PEM, leaf first.'),
  bundle: text('The X.509 authorities as PEM.'),
  expires_at: text('When it ends.'),
}
const jwtOutput = { svid: secret(text('The token.')), expires_at: text('When it ends.') }
const witOutput = { svid: text('The token, which is worth nothing without the private key.'), expires_at: text('When it ends.') }

export function exchangePaths(roomsOf: RoomsOf): Path[] {
  return [
    path('exchange/roles', 'Who may have an SVID for a token.', {}, (op) => ({
      list: op({ doc: 'List the names of the roles.', run: ({ mount }) => keys(roomsOf(mount).exchange.names()) }),
    })),
    path('exchange/roles/:name', 'A role.', name, (op) => ({
      write: op({
        doc: 'Create a role, or change what is sent.',
        input: roleInput,
        exists: ({ mount }, input) => roomsOf(mount).exchange.get(input.name) !== undefined,
        run: ({ mount }, input) => writeRole(roomsOf(mount), input),
      }),
      read: op({
        doc: 'Read a role.',
        output: roleInput,
        run({ mount }, input) {
          const role = roomsOf(mount).exchange.get(input.name)
          return role ? data(describe(role)) : missing()
        },
      }),
      delete: op({
        doc: 'Remove a role. SVIDs given before live on until they end.',
        run: ({ mount }, input) => removeRole(roomsOf(mount), input.name),
      }),
    })),
    path('exchange/x509', 'An X509-SVID for the token that asks.', {}, (op) => ({
      write: op({
        doc: 'Get an X509-SVID by a role.',
        input: x509Input,
        output: x509Output,
        run: (ctx, input) => giveX509(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('exchange/jwt', 'A JWT-SVID for the token that asks.', {}, (op) => ({
      write: op({
        doc: 'Get a JWT-SVID by a role.',
        input: jwtInput,
        output: jwtOutput,
        run: (ctx, input) => giveJwt(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('exchange/wit', 'A WIT-SVID for the token that asks.', {}, (op) => ({
      write: op({
        doc: 'Get a WIT-SVID for a public key, by a role that names them.',
        input: witInput,
        output: witOutput,
        run: (ctx, input) => giveWit(roomsOf(ctx.mount), ctx, input),
      }),
    })),
  ]
}

async function writeRole({ exchange }: Spiffe, input: Values<typeof roleInput> & { readonly name: string }): Promise<Reply> {
  if (!NAME.test(input.name)) throw new Fault('invalid', 'the name of a role is made of letters, digits, dashes, dots and underscores')
  const before = exchange.get(input.name)
  await exchange.put({
    name: input.name,
    mountAccessors: input.bound_mount_accessors ?? before?.mountAccessors ?? [],
    policies: input.bound_policies ?? before?.policies ?? [],
    metadata: input.bound_metadata ?? before?.metadata ?? {},
    spiffeId: input.spiffe_id ?? before?.spiffeId ?? '',
    svidTypes: input.svid_types ?? before?.svidTypes ?? [],
    audiences: input.audiences ?? before?.audiences ?? [],
    ttl: input.ttl ?? before?.ttl ?? 0,
  })
  return empty()
}

async function removeRole({ exchange }: Spiffe, role: string): Promise<Reply> {
  await exchange.remove(role)
  return empty()
}

async function giveX509({ exchange, svids, issued, authorities }: Spiffe, ctx: Ctx, input: Values<typeof x509Input>): Promise<Reply> {
  const publicKey = publicKeyOfCsr(csrDer(input.csr))
  const { id, ttl } = exchange.admit(input.role, 'x509', callerOf(ctx))
  const svid = svids.x509({ id, publicKey, ttl, dnsNames: [], subject: [['O', 'Signet']] })
  await issued.record([{ ...svid, spiffeId: id, entry: '', agent: '' }])
  const { chain, expiresAt } = svid
  const bundle = toPem(authorities.bundle().x509Authorities)
  return data({ spiffe_id: id, certificate: toPem(chain), bundle, expires_at: new Date(expiresAt).toISOString() })
}

function giveJwt({ exchange, svids }: Spiffe, ctx: Ctx, input: Values<typeof jwtInput>): Reply {
  const { role, id, ttl } = exchange.admit(input.role, 'jwt', callerOf(ctx))
  const other = input.audience.find((one) => !role.audiences.includes(one))
  if (other !== undefined) throw new Fault('denied', `role ${JSON.stringify(role.name)} gives nothing for the audience ${JSON.stringify(other)}`)
  const { token, expiresAt } = svids.jwt(id, input.audience, ttl)
  return data({ spiffe_id: id, svid: token, expires_at: new Date(expiresAt).toISOString() })
}

function giveWit({ exchange, svids }: Spiffe, ctx: Ctx, input: Values<typeof witInput>): Reply {
  const bound = boundKeyIn(input.jwk)
  const { id, ttl } = exchange.admit(input.role, 'wit', callerOf(ctx))
  const { token, expiresAt } = svids.wit(id, bound, ttl)
  return data({ spiffe_id: id, svid: token, expires_at: new Date(expiresAt).toISOString() })
}

function callerOf({ caller }: Ctx): Token {
  if (!caller) throw new Fault('denied', 'permission denied')
  return caller
}

function describe(role: ExchangeRole): JsonObject {
  return {
    bound_mount_accessors: [...role.mountAccessors],
    bound_policies: [...role.policies],
    bound_metadata: { ...role.metadata },
    spiffe_id: role.spiffeId,
    svid_types: [...role.svidTypes],
    audiences: [...role.audiences],
    ttl: role.ttl,
  }
}
