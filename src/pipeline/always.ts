// What is answered whatever the state, without token or audit: health, seal status, leader, initialise, unseal.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { target } from '../tenancy/router.ts'
import { answerOf } from './envelope.ts'
import { openRoute } from './route.ts'
import { openRun, type RunDeps } from './run.ts'

export interface AlwaysDeps extends RunDeps {
  /** Declares the ops; only those marked `always` are served here. */
  readonly module: Module
  readonly mount: Mount
  readonly log: Log
}

/** Undefined for a request that is not one of them. */
export function openAlways(deps: AlwaysDeps): (received: Received) => Promise<Answer> | undefined {
  const { module, mount } = deps
  const route = openRoute({ match: () => mount, moduleOf: () => module })
  const ready = openRun(deps)

  async function answer(received: Received): Promise<Answer> {
    try {
      const routed = route(received)
      if (routed.target.found !== 'op') throw new Error('routed elsewhere')
      const { reply } = await ready({ ...routed, caller: undefined }, mount, module, routed.target).run()
      return answerOf(reply, received.id, mount, [])
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      deps.log.error('request failed', { request_id: received.id }, error)
      return faultAnswer(new Fault('internal', 'internal error'))
    }
  }

  return (received) => {
    if (received.namespace !== '' || !received.path.startsWith(mount.path)) return undefined
    const found = target(module, received.path.slice(mount.path.length), received.verb)
    return found.found === 'op' && found.op.always ? answer(received) : undefined
  }
}
