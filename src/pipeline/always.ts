// What is answered whatever the state, without token or audit: health, seal status, leader, initialise, unseal.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Received, Target } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { ROOT } from '../contract/namespace.ts'
import { refusedWithHeader } from '../tenancy/restricted.ts'
import { target } from '../tenancy/router.ts'
import { answerOf } from './envelope.ts'
import { dataOf } from './route.ts'
import { openRun, type RunDeps } from './run.ts'

const IN_NAMESPACE = new Fault('invalid', 'operation unavailable in namespaces')

export interface AlwaysDeps extends RunDeps {
  /** Declares the ops; only those marked `always` are served here. */
  readonly module: Module
  readonly mount: Mount
  readonly log: Log
}

/** Undefined for a request that is not one of them. Also refuses what is about the server alone where a namespace is named. */
export function openAlways(deps: AlwaysDeps): (received: Received) => Promise<Answer> | undefined {
  const { module, mount } = deps
  const ready = openRun(deps)

  async function answer(received: Received, found: Extract<Target, { found: 'op' }>): Promise<Answer> {
    try {
      const known = { ...received, tenant: ROOT, mount, module, target: found, data: dataOf(received, found), caller: undefined }
      const { reply } = await ready(known, mount, module, found).run()
      return answerOf(reply, received.id, mount, [])
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      deps.log.error('request failed', { request_id: received.id }, error)
      return faultAnswer(new Fault('internal', 'internal error'))
    }
  }

  return (received) => {
    if (!received.path.startsWith(mount.path)) return undefined
    if (received.namespace !== '' && refusedWithHeader(received.path)) return Promise.resolve(faultAnswer(IN_NAMESPACE))
    const found = target(module, received.path.slice(mount.path.length), received.verb)
    return found.found === 'op' && found.op.always ? answer(received, found) : undefined
  }
}
