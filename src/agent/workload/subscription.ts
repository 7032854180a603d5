// A stream to a workload: the whole state at once, and again after each change, for as long as the workload is who it was found to be.
import type { Timers } from '../../base/ports.ts'
import { type Call, GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Agent } from '../agent.ts'
import { type Bell, sleeper } from '../bell.ts'
import type { Process } from '../processes.ts'
import { type Attest, describing } from './attest.ts'

export interface SubscriptionDeps {
  readonly agent: Agent
  /** The process behind a connection, by the name it was injected under; undefined once it is closed. */
  readonly processOf: (peer: string) => Process | undefined
  readonly attest: Attest
  readonly timers: Timers
}

/** How often a stream looks whether its workload has ended or become another, in milliseconds. */
export const LOOK = 5_000

export function callerOf({ processOf }: Pick<SubscriptionDeps, 'processOf'>, { peer }: Call): Process {
  const process = processOf(peer)
  if (!process) throw new GrpcError(STATUS.unavailable, 'the connection is gone')
  return process
}

/** The selectors of who calls. Throws `unavailable` before the agent can answer for anybody. */
export async function attestCaller(deps: SubscriptionDeps, call: Call): Promise<ReadonlySet<string>> {
  if (!deps.agent.ready()) throw new GrpcError(STATUS.unavailable, 'the agent has heard nothing from its server yet')
  return deps.attest(callerOf(deps, call))
}

/** Yields what `compose` makes of the selectors of who calls, as `follow` does. */
export async function* subscribe<T>(
  deps: SubscriptionDeps,
  call: Call,
  compose: (selectors: ReadonlySet<string>) => Promise<T | undefined>,
  news?: Pick<Bell, 'listen'>,
): AsyncGenerator<T, void, undefined> {
  const describe = describing(callerOf(deps, call), () => attestCaller(deps, call))
  const look = async () => {
    const selectors = await describe()
    if (!selectors) throw new GrpcError(STATUS.unavailable, 'the workload has ended')
    return selectors
  }
  yield* follow(deps, call, look, compose, news)
}

/**
 * Yields what `compose` makes of the selectors whenever they or the agent's state changed, until the call ends: nothing where it
 * makes nothing. `look` resolves to the same set as long as nothing changed about the workload, and throws once nothing may be said
 * of it any more. `news` rings when something else changed that `compose` looks at.
 */
export async function* follow<T>(
  { agent, timers }: Pick<SubscriptionDeps, 'agent' | 'timers'>,
  call: Call,
  look: () => Promise<ReadonlySet<string>>,
  compose: (selectors: ReadonlySet<string>) => Promise<T | undefined>,
  news?: Pick<Bell, 'listen'>,
): AsyncGenerator<T, void, undefined> {
  let selectors: ReadonlySet<string> | undefined
  let changed = true
  const rest = sleeper()
  const heard = () => {
    changed = true
    rest.wake()
  }
  const ends = [agent.changes.listen(heard), timers.every(LOOK, rest.wake), ...(news ? [news.listen(heard)] : [])]
  call.signal.addEventListener('abort', rest.wake)
  try {
    while (!call.signal.aborted) {
      const now = await look()
      if (changed || now !== selectors) {
        changed = false
        selectors = now
        if (!agent.ready()) throw new GrpcError(STATUS.unavailable, 'the agent serves nobody any more')
        const made = await compose(now)
        if (made !== undefined) yield made
      }
      await rest.sleep()
    }
  } finally {
    for (const end of ends) end()
    call.signal.removeEventListener('abort', rest.wake)
  }
}
