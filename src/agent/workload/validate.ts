// Checks a JWT-SVID for a workload, by the bundles that this workload may check others by.
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Clock } from '../../base/ports.ts'
import { jwtKeyOf } from '../../crypto/bundle.ts'
import { verifyJwtSvid } from '../../crypto/jwt-svid.ts'
import { type SpiffeId, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Agent } from '../agent.ts'
import type { Trust } from '../trust.ts'

export interface ValidationDeps {
  readonly agent: Agent
  readonly clock: Clock
  /** Claims of foreign tokens that are passed on, besides sub, exp and aud. */
  readonly foreignClaims: readonly string[]
}

/** Throws `invalid`, with what is wrong with the token. */
export function validateJwt(
  { agent, clock, foreignClaims }: ValidationDeps,
  trusts: readonly Trust[],
  token: string,
  audience: string,
): { id: SpiffeId; claims: JsonObject } {
  const keyOf = (asked: string, kid: string) => {
    const bundle = trusts.find((one) => one.bundle.trustDomain === asked)?.bundle
    return bundle && jwtKeyOf(bundle, kid)
  }
  const svid = inWords(() => verifyJwtSvid(token, audience, clock.now(), keyOf))
  const passed = ['sub', 'exp', 'aud', ...foreignClaims]
  const home = trustDomainOf(svid.id) === agent.trustDomain
  const claims = home ? svid.claims : Object.fromEntries(Object.entries(svid.claims).filter(([name]) => passed.includes(name)))
  return { id: svid.id, claims: { ...claims, aud: [...svid.audience] } }
}

/** What is invalid, in the words of the fault. */
export function inWords<T>(run: () => T, before = ''): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault) throw new GrpcError(STATUS.invalid, before + error.message)
    throw error
  }
}
