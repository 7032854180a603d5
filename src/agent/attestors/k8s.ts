// The k8s attestor: what the kubelet of this node says of the pod and container that a process is in.
import { isObject, type Json, type JsonObject, parseJson } from '../../base/json.ts'
import type { Clock, Timers } from '../../base/ports.ts'
import type { ObjectFindings, ObjectReference, WorkloadAttestor } from './attestor.ts'
import { type Container, containerOf } from './cgroup.ts'
import type { HttpGet } from './http.ts'

export interface K8sSettings {
  /** How often the kubelet is asked for a container that it does not report yet. */
  readonly tries: number
  /** Milliseconds between. */
  readonly pause: number
  /** Whether the container itself is looked at, or the pod alone. */
  readonly containers: boolean
}

/** `get` asks the kubelet. */
export function k8sAttestor(
  get: HttpGet,
  settings: K8sSettings,
  { timers, clock }: { readonly timers: Timers; readonly clock: Pick<Clock, 'monotonic'> },
): WorkloadAttestor {
  const pods = sharing(() => listPods(get))
  const recently = remembering(pods, clock)
  return {
    type: 'k8s',
    objects: {
      attest: async (reference, again) => refuse(reference) ?? findReferenced(await (again ? recently() : pods()), reference),
    },
    async attest(process) {
      const container = containerOf(process.read('cgroup').toString())
      if (!container?.kubernetes) return []
      for (let tried = 1; ; tried++) {
        const found = find(await pods(), container, settings.containers)
        if (found) return found
        if (tried >= settings.tries || !process.isAlive()) throw new Error('the kubelet does not report the container of the process')
        await new Promise<void>((resolve) => void timers.after(settings.pause, resolve))
      }
    },
  }
}

const LIMITS = { depth: 100, values: 5_000_000, stringBytes: 1 << 22 }

async function listPods(get: HttpGet): Promise<JsonObject[]> {
  const { status, body } = await get('/pods')
  if (status !== 200) throw new Error(`the kubelet answered ${status}`)
  const { items } = objectOf(parseJson(body, LIMITS))
  if (!Array.isArray(items)) throw new Error('the kubelet gave an answer of another form')
  return items.filter(isObject)
}

/** Who asks while an answer is on its way gets that one. */
function sharing<T>(ask: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= ask().finally(() => {
      running = undefined
    })
    return running
  }
}

/** Milliseconds for which an answer will do. */
const RECENT = 4_000

/** Who looks again gets what others were told a moment ago. */
function remembering<T>(ask: () => Promise<T>, clock: Pick<Clock, 'monotonic'>): () => Promise<T> {
  let last: { readonly at: number; readonly answer: T } | undefined
  return async () => {
    const now = clock.monotonic()
    if (last && now - last.at < RECENT) return last.answer
    const answer = await ask()
    last = { at: now, answer }
    return answer
  }
}

function refuse({ plural, group, key }: ObjectReference): ObjectFindings | undefined {
  if (plural !== 'pods' || group !== 'core') return { refused: `objects of type ${plural}.${group} are not known here, but pods.core alone` }
  return key?.namespace === '' ? { refused: 'object reference key is missing namespace' } : undefined
}

function findReferenced(pods: readonly JsonObject[], { key, uid }: ObjectReference): ObjectFindings | undefined {
  const found = pods.filter((pod) => {
    const { name, namespace } = objectOf(pod['metadata'])
    return (!key || (name === key.name && namespace === key.namespace)) && (uid === undefined || uidOf(pod) === uid)
  })
  if (found.length > 1) throw new Error('the kubelet reports several pods that are meant')
  return found[0] && { values: podSelectors(found[0]) }
}

/** Selectors of the one pod that the container is in; undefined where none is reported. */
function find(pods: readonly JsonObject[], { id, podUid }: Container, containers: boolean): string[] | undefined {
  const candidates = pods.filter((pod) => podUid === undefined || uidOf(pod) === podUid)
  const found = candidates.flatMap((pod) => {
    const own = statusesOf(pod, 'containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses').find(
      ({ containerID }) => text(containerID).split('://')[1] === id,
    )
    if (!containers) return podUid !== undefined || own ? [podSelectors(pod)] : []
    return own ? [[...podSelectors(pod), ...containerSelectors(own)]] : []
  })
  if (found.length > 1) throw new Error('the kubelet reports the container of the process in several pods')
  return found[0]
}

function containerSelectors(status: JsonObject): string[] {
  return [`container-name:${text(status['name'])}`, ...imagesOf([status]).map((image) => `container-image:${image}`)]
}

function podSelectors(pod: JsonObject): string[] {
  const { name, namespace, labels, ownerReferences } = objectOf(pod['metadata'])
  const { serviceAccountName, nodeName } = objectOf(pod['spec'])
  const main = statusesOf(pod, 'containerStatuses')
  const init = statusesOf(pod, 'initContainerStatuses')
  const owners = Array.isArray(ownerReferences) ? ownerReferences.filter(isObject) : []
  return [
    `sa:${text(serviceAccountName)}`,
    `ns:${text(namespace)}`,
    `node-name:${text(nodeName)}`,
    `pod-uid:${uidOf(pod)}`,
    `pod-name:${text(name)}`,
    `pod-image-count:${main.length}`,
    `pod-init-image-count:${init.length}`,
    ...imagesOf(main).map((image) => `pod-image:${image}`),
    ...imagesOf(init).map((image) => `pod-init-image:${image}`),
    ...Object.entries(objectOf(labels)).map(([key, value]) => `pod-label:${key}:${text(value)}`),
    ...owners.flatMap((owner) => [
      `pod-owner:${text(owner['kind'])}:${text(owner['name'])}`,
      `pod-owner-uid:${text(owner['kind'])}:${text(owner['uid'])}`,
    ]),
  ]
}

const uidOf = (pod: JsonObject): string => text(objectOf(pod['metadata'])['uid'])

/** By name and by digest, each once. */
function imagesOf(statuses: readonly JsonObject[]): string[] {
  return [...new Set(statuses.flatMap(({ imageID, image }) => [text(imageID), text(image)]))].filter((one) => one !== '')
}

function statusesOf(pod: JsonObject, ...lists: readonly string[]): JsonObject[] {
  const status = objectOf(pod['status'])
  return lists.flatMap((list) => {
    const found = status[list]
    return Array.isArray(found) ? found.filter(isObject) : []
  })
}

const objectOf = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
const text = (value: Json | undefined): string => (typeof value === 'string' ? value : '')
