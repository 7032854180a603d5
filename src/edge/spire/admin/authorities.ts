// spire.api.server.localauthority.v1.LocalAuthority: the keys that sign, moved by hand.
import type { JsonObject } from '../../../base/json.ts'
import { GrpcError, type Method, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Ask } from '../ask.ts'
import { objects, seconds, text } from '../convert.ts'
import { Empty } from '../messages.ts'
import { adminAsk } from './asking.ts'
import * as wire from './messages.ts'

const KINDS = { X509: 'x509', JWT: 'jwt', WIT: 'wit' } as const
const STEPS = { Activate: 'activate', Taint: 'taint', Revoke: 'revoke' } as const

export function authorityServices(ask: Ask): Services {
  const methods = Object.entries(KINDS).flatMap(([name, kind]): [string, Method][] => [
    [
      `Get${name}AuthorityState`,
      unary(Empty, wire.AuthorityStates, async ({ peer }) => statesOf(await adminAsk(ask, peer)('read', `authorities/${kind}`))),
    ],
    [
      `Prepare${name}Authority`,
      unary(Empty, wire.AuthorityResponse, async ({ peer }) => ({
        authority: stateOf(await adminAsk(ask, peer)('write', `authorities/${kind}/prepare`)),
      })),
    ],
    ...Object.entries(STEPS).map(([step, path]): [string, Method] => [
      `${step}${name}Authority`,
      unary(wire.AuthorityRequest, wire.AuthorityResponse, async ({ peer }, { authorityId }) => ({
        authority: stateOf(await adminAsk(ask, peer)('write', `authorities/${kind}/${path}`, { authority_id: authorityId })),
      })),
    ]),
  ])
  const upstream = Object.entries(UPSTREAM).map(([step, path]): [string, Method] => [`${step}X509UpstreamAuthority`, upstreamStep(ask, path)])
  return { 'spire.api.server.localauthority.v1.LocalAuthority': Object.fromEntries([...methods, ...upstream]) }
}

const UPSTREAM = { Taint: 'taint', Revoke: 'revoke' } as const

function upstreamStep(ask: Ask, step: string): Method {
  return unary(wire.UpstreamRequest, wire.UpstreamResponse, async ({ peer }, { subjectKeyId }) => {
    const admin = adminAsk(ask, peer)
    const known = objects((await admin('read', 'authorities/x509'))['authorities'])
    if (known.every((one) => text(one['upstream_authority_subject_key_id']) === ''))
      throw new GrpcError(STATUS.precondition, 'upstream authority is not configured')
    await admin('write', `authorities/upstream/${step}`, { subject_key_id: subjectKeyId })
    return { upstreamAuthoritySubjectKeyId: subjectKeyId }
  })
}

function statesOf({ authorities }: JsonObject) {
  const all = objects(authorities)
  const newest = (state: string) => all.findLast((one) => one['state'] === state)
  const [active, prepared, old] = ['active', 'prepared', 'old'].map(newest)
  return {
    ...(active ? { active: stateOf(active) } : {}),
    ...(prepared ? { prepared: stateOf(prepared) } : {}),
    ...(old ? { old: stateOf(old) } : {}),
  }
}

function stateOf(data: JsonObject) {
  return {
    authorityId: text(data['authority_id']),
    expiresAt: seconds(data['expires_at']),
    upstreamAuthoritySubjectKeyId: text(data['upstream_authority_subject_key_id']),
  }
}
