// The docker attestor: what the daemon says of the container that a process is in (Docker Engine API, which Podman has as well).
import { isObject, type Json, parseJson } from '../../base/json.ts'
import type { WorkloadAttestor } from './attestor.ts'
import { containerOf } from './cgroup.ts'
import type { HttpGet } from './http.ts'

/** `get` asks the daemon. */
export function dockerAttestor(get: HttpGet): WorkloadAttestor {
  return {
    type: 'docker',
    async attest(process) {
      const container = containerOf(process.read('cgroup').toString())
      if (!container || container.kubernetes) return []
      const { status, body } = await get(`/containers/${container.id}/json`)
      if (status !== 200) throw new Error(`the container daemon answered ${status} for the container of the process`)
      return selectorsOf(parseJson(body))
    },
  }
}

/** By the image's id and not by its name, which may lead to another image by now. */
function selectorsOf(answer: Json): string[] {
  const { Config: config, Image: image } = isObject(answer) ? answer : {}
  if (!isObject(config)) throw new Error('the container daemon gave an answer of another form')
  const { Labels: labels, Env: env, Image: name } = config
  return [
    ...Object.entries(isObject(labels) ? labels : {}).map(([key, value]) => `label:${key}:${String(value)}`),
    ...(Array.isArray(env) ? env : []).map((one) => `env:${String(one)}`),
    ...(typeof name === 'string' && name !== '' ? [`image_id:${name}`] : []),
    ...(typeof image === 'string' && image.startsWith('sha256:') ? [`image_config_digest:${image}`] : []),
  ]
}
