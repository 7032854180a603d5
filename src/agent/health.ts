// The gRPC health service (grpc.health.v1): whether the agent can answer for workloads now.
import type { Timers } from '../base/ports.ts'
import type { ProtoFile } from '../wire/descriptors.ts'
import { type Call, feed, GrpcError, type Services, STATUS, unary } from '../wire/grpc.ts'
import { enumeration, message, string } from '../wire/protobuf.ts'
import type { Agent } from './agent.ts'
import { sleeper } from './bell.ts'

export const HealthRequest = message({ service: string(1) })
const ServingStatus = { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const
export const HealthResponse = message({ status: enumeration(1, ServingStatus) })
export const HEALTH = 'grpc.health.v1.Health'
export const { SERVING } = ServingStatus

export const HEALTH_FILE: ProtoFile = {
  name: 'grpc/health/v1/health.proto',
  package: 'grpc.health.v1',
  types: { HealthCheckRequest: HealthRequest, HealthCheckResponse: HealthResponse, 'HealthCheckResponse.ServingStatus': ServingStatus },
}

export function healthServices(agent: Agent, timers: Timers): Services {
  const status = () => (agent.ready() ? SERVING : ServingStatus.NOT_SERVING)

  async function* watch({ signal }: Call) {
    const rest = sleeper()
    const ends = [agent.changes.listen(rest.wake), timers.every(LOOK, rest.wake)]
    signal.addEventListener('abort', rest.wake)
    try {
      for (let told = 0; !signal.aborted; await rest.sleep()) {
        if (told === status()) continue
        told = status()
        yield { status: told }
      }
    } finally {
      for (const end of ends) end()
    }
  }

  return {
    [HEALTH]: {
      Check: unary(HealthRequest, HealthResponse, async (_, { service }) => {
        if (service !== '') throw new GrpcError(STATUS.notFound, 'unknown service')
        return { status: status() }
      }),
      Watch: feed(HealthRequest, HealthResponse, watch),
    },
  }
}

const LOOK = 5_000
