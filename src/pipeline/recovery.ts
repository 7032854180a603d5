// The line of recovery mode: no audit devices, policies or tokens are there, only who has the recovery token.
import { Fault, invalidToken } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { asRecord } from '../base/path.ts'
import type { Secret } from '../base/secret.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Received, Target } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { ROOT } from '../contract/namespace.ts'
import { target } from '../tenancy/router.ts'
import { answerOf } from './envelope.ts'
import { dataOf } from './route.ts'
import { openRun, type RunDeps } from './run.ts'

export interface RecoveryLineDeps extends RunDeps {
  readonly module: Module
  readonly mount: Mount
  /** Whether it is the recovery token. */
  readonly opens: (token: Secret) => boolean
  readonly log: Log
}

/** Not "missing", which clients take for the end of a secret that they keep. */
const ELSEWHERE = new Fault('unavailable', 'the server is in recovery mode: only its own token, health and sys/raw are served')

export function openRecoveryLine(deps: RecoveryLineDeps): (received: Received) => Promise<Answer> {
  const { module, mount, opens, log } = deps
  const ready = openRun(deps)

  async function answer(received: Received, found: Extract<Target, { found: 'op' }>): Promise<Answer> {
    if (received.wrapTtl !== undefined) throw new Fault('invalid', 'answers are not wrapped in recovery mode')
    const data = dataOf(received, found)
    const known = { ...received, tenant: ROOT, mount, module, target: found, data, caller: undefined }
    const { reply, warnings } = await ready(known, mount, module, found).run()
    return answerOf(reply, received.id, undefined, warnings)
  }

  async function serve(received: Received): Promise<Answer> {
    const { path, verb, token, namespace, peer, id } = received
    if (namespace !== '') throw new Fault('invalid', 'operation unavailable in namespaces')
    if (!path.startsWith(mount.path)) throw ELSEWHERE
    const found = target(module, (verb === 'list' ? path : asRecord(path)).slice(mount.path.length), verb)
    if (found.found === 'no-path') throw ELSEWHERE
    if (found.found !== 'op') throw new Fault('unsupported', 'unsupported operation')
    if (found.op.access !== 'token') return answer(received, found)
    if (!token || !opens(token)) {
      log.warn('refused without the recovery token', { request_id: id, operation: verb, path, remote_address: peer.address })
      throw invalidToken()
    }
    return answer(received, found)
  }

  return async (received) => {
    try {
      return await serve(received)
    } catch (error) {
      if (error instanceof Fault) return faultAnswer(error)
      log.error('request failed', { request_id: received.id }, error)
      return faultAnswer(new Fault('internal', 'internal error'))
    }
  }
}
