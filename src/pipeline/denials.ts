// The last requests that were answered 403, kept so that whoever may ask can learn why.
import type { Trail } from '../audit/record.ts'
import type { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { formatTime } from '../base/duration.ts'
import type { Token } from '../contract/token.ts'
import { seenFrom } from '../policy/authorise.ts'
import { Denial, OUTSIDE } from '../policy/denial.ts'

/** Plain data, to be told to other processes. Nothing of it is secret, and nothing that was sent along is in it. */
export interface Denied {
  /** Hash of the token that asked; '' where nobody did. */
  readonly owner: string
  /** Path of the namespace that was asked. */
  readonly namespace: string
  readonly told: JsonObject
  /** For whoever was refused. */
  readonly toldToAsker: JsonObject
}

export interface Denials {
  add(trail: Trail, fault: Fault): void
  /** By the id of the request, which the answer and the audit trail carry. */
  get(id: string): Denied | undefined
}

/** Why a token that was sent is nobody's. */
export type UnknownToken = 'unknown' | 'address'

const HEADER = 'X-Signet-Explain-Id'

export function explainHeader(id: string): Readonly<Record<string, string>> {
  return { [HEADER]: id }
}

/** Requests with a token, and those without, which anybody can send: neither pushes the others out. */
const MAX_KNOWN = 2_048
const MAX_UNKNOWN = 512

export function openDenials(whyUnknown: (trail: Trail) => UnknownToken): Denials {
  const known = new Map<string, () => Denied>()
  const unknown = new Map<string, () => Denied>()
  return {
    add(trail, fault) {
      const ring = trail.caller ? known : unknown
      if (ring.size >= (trail.caller ? MAX_KNOWN : MAX_UNKNOWN)) ring.delete(ring.keys().next().value as string)
      const { id, at, namespace, path, verb, caller, peer } = trail
      const isOpen = trail.target?.found === 'op' && ['open', 'share'].includes(trail.target.op.access)
      const cause = isOpen ? undefined : caller ? outside(caller, namespace, path) : trail.token ? UNKNOWN[whyUnknown(trail)] : 'no token was sent'
      const facts = {
        id,
        time: formatTime(at),
        namespace,
        remote_address: peer.address,
        ...(caller ? { accessor: caller.accessor, display_name: caller.displayName, policies: [...caller.policies] } : {}),
      }
      const plain = { allowed: false, operation: verb, path, reason: cause ?? OTHERWISE }
      const denial = fault instanceof Denial ? fault : undefined
      ring.set(id, () => ({
        owner: caller?.hash ?? '',
        namespace,
        told: { ...facts, ...(denial?.told() ?? plain) },
        toldToAsker: { ...facts, ...(denial?.toldToAsker() ?? plain) },
      }))
    },
    get: (id) => (known.get(id) ?? unknown.get(id))?.(),
  }
}

function outside(caller: Token, namespace: string, path: string): string | undefined {
  return seenFrom(caller, namespace, path) === undefined ? OUTSIDE : undefined
}

const UNKNOWN: Readonly<Record<UnknownToken, string>> = {
  unknown: 'the token is unknown: it never was, or it has expired, was revoked or is used up',
  address: 'the token may not be used from this address',
}

const OTHERWISE = 'policies allow it, or are not asked: the endpoint itself refused, and its answer says all that it tells'
