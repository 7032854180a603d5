// Who may ask, and how: brokers prove their SPIFFE IDs by TLS, are named in the configuration, and may use some kinds of references.
import { Fault } from '../../base/fault.ts'
import type { Clock } from '../../base/ports.ts'
import type { SpiffeId } from '../../crypto/spiffe-id.ts'
import { verifyX509Svid } from '../../crypto/x509-svid.ts'
import { type Call, GrpcError, type Method, type Services, STATUS } from '../../wire/grpc.ts'
import type { Agent } from '../agent.ts'
import { revokedBy } from '../trust.ts'
import { HEADER } from './messages.ts'
import type { ReferenceKind } from './reference.ts'

/** Kinds of references that a broker may use, by where it connects. */
export interface BrokerRights {
  readonly local: readonly ReferenceKind[]
  /** Over TCP. */
  readonly remote: readonly ReferenceKind[]
}

export type Brokers = ReadonlyMap<SpiffeId, BrokerRights>

/** A connection on which the other side showed that it has the key of a certificate. */
export interface BrokerConnection {
  /** In DER, the leaf first. */
  readonly chain: readonly Buffer[]
  readonly remote: boolean
  /** Hangs up as soon as what was said last has been heard: only on a new connection can the broker show another certificate. */
  end(): void
}

export interface AccessDeps {
  readonly agent: Pick<Agent, 'trusts'>
  readonly clock: Clock
  readonly brokers: Brokers
  /** By the name that a connection was injected under; undefined once it is closed. */
  readonly connectionOf: (peer: string) => BrokerConnection | undefined
}

export interface Caller {
  readonly id: SpiffeId
  readonly remote: boolean
  readonly rights: BrokerRights
}

/** What the chain proves now, by the bundle of its own trust domain as the agent has it. Throws `invalid`. */
export function identify({ agent, clock }: Pick<AccessDeps, 'agent' | 'clock'>, chain: readonly Buffer[]): SpiffeId {
  return verifyX509Svid(chain, clock.now(), (asked) => agent.trusts.of(asked)?.bundle.x509Authorities, revokedBy(agent.trusts.own())).id
}

/** Asked again as long as a call goes on. Throws `invalid` without the header, `unauthenticated` for nobody, `denied` for who is no broker. */
export function admit(deps: AccessDeps, call: Call): Caller {
  // A browser or a proxy can be made to send a request, and not this header with it (SPIFFE_Broker_Endpoint.md §3).
  if (call.metadata(HEADER) !== 'true') throw new GrpcError(STATUS.invalid, 'security header missing from request')
  const connection = deps.connectionOf(call.peer)
  if (!connection) throw new GrpcError(STATUS.unavailable, 'the connection is gone')
  const id = identified(deps, connection)
  const rights = deps.brokers.get(id)
  if (!rights) throw new GrpcError(STATUS.denied, `${id} is no authorized broker`)
  return { id, remote: connection.remote, rights }
}

function identified(deps: AccessDeps, { chain, end }: BrokerConnection): SpiffeId {
  try {
    return identify(deps, chain)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    end()
    throw new GrpcError(STATUS.unauthenticated, `the broker cannot be identified: ${error.message}`)
  }
}

/** Throws `denied`. */
export function permit({ id, remote, rights }: Caller, kind: ReferenceKind): void {
  if (!rights.local.includes(kind)) throw new GrpcError(STATUS.denied, `broker ${id} is not allowed to use references of kind "${kind}"`)
  if (remote && !rights.remote.includes(kind)) {
    throw new GrpcError(STATUS.denied, `broker ${id} is not allowed to use references of kind "${kind}" over TCP`)
  }
}

/** The same services, for brokers alone. */
export function forBrokers(services: Services, deps: AccessDeps): Services {
  const guarded = (method: Method): Method => {
    if (method.kind === 'unary') {
      return {
        ...method,
        async run(call: Call, request: never) {
          admit(deps, call)
          return method.run(call, request)
        },
      }
    }
    return {
      ...method,
      run(call: Call, requests: AsyncIterable<never>) {
        admit(deps, call)
        return method.run(call, requests)
      },
    }
  }
  const all = (methods: Services[string]) => Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, guarded(method)]))
  return Object.fromEntries(Object.entries(services).map(([name, methods]) => [name, all(methods)]))
}
