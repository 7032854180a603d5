// signet.agent.v1.Changes: tells an agent when something that concerns it was committed, so that it need not poll.
import type { JsonObject } from '../../base/json.ts'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import type { AgentChanges, News } from '../../spiffe/agent-changes.ts'
import { GrpcError, type Services, STATUS, feed } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import { WATCH, WatchRequest, WatchResponse } from '../../wire/signet-agent.ts'
import type { Ask } from './ask.ts'
import { text } from './convert.ts'

/** Undefined while sealed. */
export type ChangesOf = () => AgentChanges | undefined

export function pushServices(ask: Ask, changesOf: ChangesOf): Services {
  return {
    [WATCH.service]: {
      [WATCH.method]: feed(WatchRequest, WatchResponse, async function* ({ peer, signal }, { revision }) {
        const watching = await ask(peer, 'write', 'agent/watch')
        const changes = changesOf()
        if (!changes) throw new GrpcError(STATUS.unavailable, 'the server is sealed')
        yield* news(changes, watching, revision, signal)
        if (!signal.aborted) await ask(peer, 'write', 'agent/watch') // why it ended, where the agent is one no more
      }),
    },
  }
}

/** Until the agent goes, or is one no more. What it has not taken yet is told as one. */
async function* news(
  changes: AgentChanges,
  { agent_id: id, authority_id: authority, serial_number: serial }: JsonObject,
  seen: number,
  signal: AbortSignal,
): AsyncGenerator<Partial<Of<typeof WatchResponse>>> {
  let waiting: News | undefined
  let ended = false
  let wake = (): void => {}
  const hear = (one: News): void => {
    waiting = waiting ? { revision: one.revision, entries: waiting.entries || one.entries, bundles: waiting.bundles || one.bundles } : one
    wake()
  }
  const end = (): void => {
    ended = true
    wake()
  }
  const stop = changes.watch({ agent: parseSpiffeId(text(id)), authority: text(authority), serial: text(serial), hear, end })
  signal.addEventListener('abort', end, { once: true })
  try {
    const { revision } = changes
    yield { revision, entries: revision !== seen, bundles: revision !== seen }
    while (!ended) {
      const next = waiting as News | undefined
      waiting = undefined
      if (next) yield next
      else await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    stop()
  }
}
