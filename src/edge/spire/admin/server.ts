// What an operator asks of the server itself: spire.api.server.logger.v1, spire.api.server.debug.v1 and grpc.health.v1.
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Ask } from '../ask.ts'
import { number, objects, seconds, text } from '../convert.ts'
import { Empty } from '../messages.ts'
import { type AdminAsk, adminAsk } from './asking.ts'
import * as wire from './messages.ts'

/** In SPIRE's numbers; panic and fatal are not levels here. */
const LEVELS: Readonly<Record<string, number>> = { error: 3, warn: 4, info: 5, debug: 6, trace: 7 }

const SERVING = 1
const NOT_SERVING = 2

/** `uptime` in seconds. */
export function serverServices(ask: Ask, uptime: () => number): Services {
  return {
    'spire.api.server.logger.v1.Logger': {
      GetLogger: unary(Empty, wire.LoggerMessage, ({ peer }) => levels(adminAsk(ask, peer))),
      SetLogLevel: unary(wire.SetLogLevelRequest, wire.LoggerMessage, async ({ peer }, { newLevel }) => {
        const level = Object.keys(LEVELS).find((name) => LEVELS[name] === newLevel)
        if (level === undefined)
          throw new GrpcError(STATUS.invalid, `log level ${newLevel} is not offered; offered are ${Object.keys(LEVELS).join(', ')}`)
        await adminAsk(ask, peer)('write', 'logger', { level })
        return levels(adminAsk(ask, peer))
      }),
      ResetLogLevel: unary(Empty, wire.LoggerMessage, async ({ peer }) => {
        await adminAsk(ask, peer)('write', 'logger')
        return levels(adminAsk(ask, peer))
      }),
    },
    'spire.api.server.debug.v1.Debug': {
      GetInfo: unary(Empty, wire.GetInfoResponse, async ({ peer }) => {
        const admin = adminAsk(ask, peer)
        const [status, { authorities }] = await Promise.all([admin('read', 'status'), admin('read', 'authorities/x509')])
        const active = objects(authorities).find((one) => one['state'] === 'active')
        const id = { trustDomain: text(status['trust_domain']), path: '' }
        return {
          svidChain: active ? [{ id, expiresAt: seconds(active['expires_at']) }] : [],
          uptime: Math.floor(uptime()),
          agentsCount: number(status['agents']),
          federatedBundlesCount: number(status['federated_bundles']),
          entriesCount: number(status['entries']),
        }
      }),
    },
    'grpc.health.v1.Health': {
      Check: unary(wire.HealthRequest, wire.HealthResponse, async ({ peer }, { service }) => {
        if (service !== '') throw new GrpcError(STATUS.invalid, 'per-service health is not supported')
        const serving = ask(peer, 'read', 'trust-domain').then(() => true)
        return { status: (await serving.catch(() => false)) ? SERVING : NOT_SERVING }
      }),
    },
  }
}

async function levels(ask: AdminAsk) {
  const { current, launch } = await ask('read', 'logger')
  return { currentLevel: LEVELS[text(current)] ?? 0, launchLevel: LEVELS[text(launch)] ?? 0 }
}
