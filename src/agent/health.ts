// The gRPC health service (grpc.health.v1): whether the agent can answer for workloads now.
import type { Timers } from '../base/ports.ts'
import { type Call, GrpcError, type Services, STATUS, stream, unary } from '../wire/grpc.ts'
import { int32, message, string } from '../wire/protobuf.ts'
import type { Agent } from './agent.ts'
import { sleeper } from './bell.ts'

export const HealthRequest = message({ service: string(1) })
export const HealthResponse = message({ status: int32(1) })
export const HEALTH = 'grpc.health.v1.Health'
export const SERVING = 1
const NOT_SERVING = 2

export function healthServices(agent: Agent, timers: Timers): Services {
  const status = () => (agent.ready() ? SERVING : NOT_SERVING)

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
      Watch: stream(HealthRequest, HealthResponse, watch),
    },
  }
}

const LOOK = 5_000
