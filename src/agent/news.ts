// Hears from a server when something changed that concerns this agent, so that it need not look; of servers that tell nothing, it looks.
import type { Clock } from '../base/ports.ts'
import type { Log } from '../base/log.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import type { Answers } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'
import { WATCH, WatchRequest, WatchResponse } from '../wire/signet-agent.ts'
import type { Link } from './server/link.ts'

/** Even while nothing is heard, the server is looked at this often, in milliseconds. */
const LONGEST_TRUST = 300_000

export interface News {
  /** Whether the server is to be looked at: nobody tells, something was told, or the last look is long ago. */
  due(): boolean
  /** To be called before a look, whose answers will be newer than what was told until now. */
  looking(): void
  /** To be called after a look that failed. */
  missed(): void
  /** To be called after a look went well: listens from now on, if it doesn't yet. */
  looked(): void
  stop(): void
}

const METHOD = `/${WATCH.service}/${WATCH.method}`

type Told = Of<typeof WatchResponse>

export interface NewsDeps {
  readonly link: Pick<Link, 'connection'>
  readonly clock: Clock
  readonly log: Log
  /** Called when something was told. Not when nothing will be any more: of a server that ends, thousands would want another at once. */
  readonly wake: () => void
}

export function openNews({ link, clock, log, wake }: NewsDeps): News {
  let listening: Answers<Told> | undefined
  let silent = false
  let told = false
  let stopped = false
  let revision = 0
  let at = 0

  async function hear(answers: Answers<Told>): Promise<void> {
    try {
      for (let next = await answers.next(); next; next = await answers.next()) {
        revision = next.revision
        if (!next.entries && !next.bundles) continue
        told = true
        wake()
      }
    } catch (error) {
      // A server of SPIRE doesn't know this; what else may be wrong, the next look tells.
      if (error instanceof GrpcError && error.code === STATUS.unimplemented) silent = true
      if (!(error instanceof GrpcError)) log.error('listening to the server failed', {}, error)
    } finally {
      if (listening === answers) listening = undefined
    }
  }

  return {
    due: () => !listening || told || clock.monotonic() - at > LONGEST_TRUST,
    looking() {
      told = false
    },
    missed() {
      told = true
    },
    looked() {
      at = clock.monotonic()
      if (listening || silent || stopped) return
      listening = link.connection()?.listen(METHOD, WatchRequest, WatchResponse, { revision })
      if (listening) void hear(listening)
    },
    stop() {
      stopped = true
      listening?.cancel()
    },
  }
}
