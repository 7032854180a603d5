// The k8s attestor: what the kubelet of this node says of the pod and container that a process is in.
import { isObject, type JsonObject, parseJson } from '../../base/json.ts'
import type { Clock, Timers } from '../../base/ports.ts'
import type { ObjectReference, WorkloadAttestor } from './attestor.ts'
import { type Container, containerOf } from './cgroup.ts'
import type { HttpGet } from './http.ts'
import { JSON_LIMITS, listOf, objectOf, textOf } from './json-reading.ts'
import { type KubernetesObjects, kubernetesObjects, MISSING_NAMESPACE, unknownType } from './k8s-objects.ts'
import { recently } from './recently.ts'

export interface K8sSettings {
  /** How often the kubelet is asked for a container that it does not report yet. */
  readonly tries: number
  /** Milliseconds between. */
  readonly pause: number
  /** Whether the container itself is looked at, or the pod alone. */
  readonly containers: boolean
  /** Whether pods of other nodes may be referred to. */
  readonly clusterPods: boolean
}

/** `get` asks the kubelet, `getObject` the API server; without that, pods of this node are the only objects that are known. */
export function k8sAttestor(
  get: HttpGet,
  settings: K8sSettings,
  { timers, clock }: { readonly timers: Timers; readonly clock: Pick<Clock, 'monotonic'> },
  getObject?: HttpGet,
): WorkloadAttestor {
  const pods = sharing(() => listPods(get))
  const others = getObject ? kubernetesObjects(getObject, clock) : NO_OBJECTS
  const recent = {
    pods: recently(pods, RECENT, clock),
    describe: recently(others.describe, RECENT, clock),
    pod: recently(others.pod, RECENT, clock),
  }
  return {
    type: 'k8s',
    objects: {
      async attest(reference, again) {
        const { describe, pod } = again ? recent : others
        if (!isPod(reference)) return describe(reference)
        if (reference.key?.namespace === '') return MISSING_NAMESPACE
        const found = findReferenced(await (again ? recent.pods(undefined) : pods()), reference)
        const elsewhere = found || !settings.clusterPods ? found : await pod(reference)
        return elsewhere && { values: podSelectors(elsewhere) }
      },
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

/** Milliseconds for which an answer will do to who looks again. */
const RECENT = 4_000

async function listPods(get: HttpGet): Promise<JsonObject[]> {
  const { status, body } = await get('/pods')
  if (status !== 200) throw new Error(`the kubelet answered ${status}`)
  const { items } = objectOf(parseJson(body, JSON_LIMITS))
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

const isPod = ({ plural, group }: ObjectReference): boolean => plural === 'pods' && group === 'core'

/** Without an API server. */
const NO_OBJECTS: KubernetesObjects = {
  describe: async ({ plural, group }) => unknownType(plural, group),
  pod: async () => undefined,
}

function findReferenced(pods: readonly JsonObject[], { key, uid }: ObjectReference): JsonObject | undefined {
  const found = pods.filter((pod) => {
    const { name, namespace } = objectOf(pod['metadata'])
    return (!key || (name === key.name && namespace === key.namespace)) && (uid === undefined || uidOf(pod) === uid)
  })
  if (found.length > 1) throw new Error('the kubelet reports several pods that are meant')
  return found[0]
}

/** Selectors of the one pod that the container is in; undefined where none is reported. */
function find(pods: readonly JsonObject[], { id, podUid }: Container, containers: boolean): string[] | undefined {
  const candidates = pods.filter((pod) => podUid === undefined || uidOf(pod) === podUid)
  const found = candidates.flatMap((pod) => {
    const own = statusesOf(pod, 'containerStatuses', 'initContainerStatuses', 'ephemeralContainerStatuses').find(
      ({ containerID }) => textOf(containerID).split('://')[1] === id,
    )
    if (!containers) return podUid !== undefined || own ? [podSelectors(pod)] : []
    return own ? [[...podSelectors(pod), ...containerSelectors(own)]] : []
  })
  if (found.length > 1) throw new Error('the kubelet reports the container of the process in several pods')
  return found[0]
}

function containerSelectors(status: JsonObject): string[] {
  return [`container-name:${textOf(status['name'])}`, ...imagesOf([status]).map((image) => `container-image:${image}`)]
}

function podSelectors(pod: JsonObject): string[] {
  const { name, namespace, labels, ownerReferences } = objectOf(pod['metadata'])
  const { serviceAccountName, nodeName } = objectOf(pod['spec'])
  const main = statusesOf(pod, 'containerStatuses')
  const init = statusesOf(pod, 'initContainerStatuses')
  const owners = listOf(ownerReferences)
  return [
    `sa:${textOf(serviceAccountName)}`,
    `ns:${textOf(namespace)}`,
    `node-name:${textOf(nodeName)}`,
    `pod-uid:${uidOf(pod)}`,
    `pod-name:${textOf(name)}`,
    `pod-image-count:${main.length}`,
    `pod-init-image-count:${init.length}`,
    ...imagesOf(main).map((image) => `pod-image:${image}`),
    ...imagesOf(init).map((image) => `pod-init-image:${image}`),
    ...Object.entries(objectOf(labels)).map(([key, value]) => `pod-label:${key}:${textOf(value)}`),
    ...owners.flatMap((owner) => [
      `pod-owner:${textOf(owner['kind'])}:${textOf(owner['name'])}`,
      `pod-owner-uid:${textOf(owner['kind'])}:${textOf(owner['uid'])}`,
    ]),
  ]
}

const uidOf = (pod: JsonObject): string => textOf(objectOf(pod['metadata'])['uid'])

/** By name and by digest, each once. */
function imagesOf(statuses: readonly JsonObject[]): string[] {
  return [...new Set(statuses.flatMap(({ imageID, image }) => [textOf(imageID), textOf(image)]))].filter((one) => one !== '')
}

function statusesOf(pod: JsonObject, ...lists: readonly string[]): JsonObject[] {
  const status = objectOf(pod['status'])
  return lists.flatMap((list) => listOf(status[list]))
}
