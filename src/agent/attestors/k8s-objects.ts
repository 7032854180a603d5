// Objects of Kubernetes of any type, as its API server describes them: by their metadata alone.
import { isObject, type JsonObject, parseJson } from '../../base/json.ts'
import type { Clock } from '../../base/ports.ts'
import type { ObjectFindings, ObjectReference } from './attestor.ts'
import type { HttpAnswer, HttpGet } from './http.ts'
import { JSON_LIMITS, listOf, objectOf, textOf } from './json-reading.ts'
import { recently } from './recently.ts'

/** Where objects of a type are. */
interface Resource {
  /** Of the version of their API. */
  readonly base: string
  readonly plural: string
  readonly version: string
  readonly kind: string
  readonly namespaced: boolean
}

type Key = NonNullable<ObjectReference['key']>

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json'
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json'
/** Objects that are asked for at once. */
const PAGE = 500
/** Milliseconds for which the types of the cluster are taken as known. */
const TYPES_MS = 60_000
const MOST_KEYS = 10_000
const MOST_PAGES = 1_000

export const MISSING_NAMESPACE: ObjectFindings = { refused: 'object reference key is missing namespace' }
export const unknownType = (plural: string, group: string): ObjectFindings => ({ refused: `there are no objects of type ${plural}.${group} here` })

export interface KubernetesObjects {
  describe(reference: ObjectReference): Promise<ObjectFindings | undefined>
  /** A pod with all that is in it; undefined where there is none. */
  pod(reference: ObjectReference): Promise<JsonObject | undefined>
}

const PODS: Resource = { base: '/api/v1', plural: 'pods', version: 'v1', kind: 'Pod', namespaced: true }

/** `get` asks the API server. */
export function kubernetesObjects(get: HttpGet, clock: Pick<Clock, 'monotonic'>): KubernetesObjects {
  const resources = recently((type: string) => discover(get, type), TYPES_MS, clock)
  const keys = new Map<string, Key>() // of uids: an object never gets another name

  async function find(resource: Resource, { key, uid }: ObjectReference): Promise<JsonObject | undefined> {
    const at = key ?? (uid === undefined ? undefined : keys.get(uid))
    const found = at ? await getMetadata(get, resource, at) : await listFor(get, resource, uid)
    if (!found || (uid !== undefined && textOf(found['uid']) !== uid)) return undefined
    if (keys.size >= MOST_KEYS) keys.clear()
    keys.set(textOf(found['uid']), keyOf(found))
    return found
  }

  async function describe(reference: ObjectReference): Promise<ObjectFindings | undefined> {
    const { plural, group, key } = reference
    const resource = isType(reference) ? await resources(`${plural}.${group}`) : undefined
    if (!resource) return unknownType(plural, group)
    if (key && resource.namespaced && key.namespace === '') return MISSING_NAMESPACE
    if (key && !resource.namespaced && key.namespace !== '') return { refused: 'namespace must be empty for a cluster-scoped resource' }
    const found = await find(resource, reference)
    return found && { values: selectorsOf(reference, resource, found) }
  }

  async function pod(reference: ObjectReference): Promise<JsonObject | undefined> {
    const metadata = await find(PODS, reference)
    if (!metadata) return undefined
    const found = await getObject(get, PODS, keyOf(metadata))
    return objectOf(found?.['metadata'])['uid'] === metadata['uid'] ? found : undefined
  }

  return { describe, pod }
}

const keyOf = (metadata: JsonObject): Key => ({ namespace: textOf(metadata['namespace']), name: textOf(metadata['name']) })

/** Whether they could be parts of the path of one. */
const isType = ({ plural, group }: ObjectReference): boolean =>
  /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(plural) && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(group)

/** Undefined where the cluster has no such type. */
async function discover(get: HttpGet, type: string): Promise<Resource | undefined> {
  const [plural = ''] = type.split('.', 1)
  const group = type.slice(plural.length + 1)
  const versions = group === 'core' ? [{ base: '/api/v1', version: 'v1' }] : await versionsOf(get, group)
  for (const { base, version } of versions) {
    const known = listOf(answered(await get(base))?.['resources']).find(({ name }) => name === plural)
    if (known) return { base, plural, version, kind: textOf(known['kind']), namespaced: known['namespaced'] === true }
  }
  return undefined
}

/** The preferred one first. */
async function versionsOf(get: HttpGet, group: string): Promise<{ readonly base: string; readonly version: string }[]> {
  const found = answered(await get(`/apis/${group}`))
  const all = [objectOf(found?.['preferredVersion']), ...listOf(found?.['versions'])].map(({ version }) => textOf(version))
  return [...new Set(all)].filter((one) => one !== '').map((version) => ({ base: `/apis/${group}/${encodeURIComponent(version)}`, version }))
}

async function getMetadata(get: HttpGet, resource: Resource, key: Key): Promise<JsonObject | undefined> {
  const found = await getObject(get, resource, key, { accept: PARTIAL })
  return found && objectOf(found['metadata'])
}

async function getObject(get: HttpGet, { base, plural }: Resource, { namespace, name }: Key, headers = {}): Promise<JsonObject | undefined> {
  if ([namespace, name].some((one) => one === '.' || one === '..')) return undefined
  const within = namespace === '' ? '' : `/namespaces/${encodeURIComponent(namespace)}`
  return answered(await get(`${base}${within}/${plural}/${encodeURIComponent(name)}`, headers))
}

/** The API server finds no object by its uid: all of them are asked for, page by page. */
async function listFor(get: HttpGet, { base, plural }: Resource, uid: string | undefined): Promise<JsonObject | undefined> {
  for (let more = '', seen = 0; seen < MOST_PAGES; seen++) {
    const page = answered(await get(`${base}/${plural}?limit=${PAGE}${more}`, { accept: PARTIAL_LIST }))
    const found = listOf(page?.['items']).map((item) => objectOf(item['metadata']))
    const meant = found.find((metadata) => metadata['uid'] === uid)
    const next = textOf(objectOf(page?.['metadata'])['continue'])
    if (meant || next === '') return meant
    more = `&continue=${encodeURIComponent(next)}`
  }
  throw new Error(`the API server has more than ${MOST_PAGES * PAGE} objects of type ${plural}`)
}

/** Undefined where there is none. */
function answered({ status, body }: HttpAnswer): JsonObject | undefined {
  if (status === 404) return undefined
  if (status !== 200) throw new Error(`the API server answered ${status}`)
  const answer = parseJson(body, JSON_LIMITS)
  if (!isObject(answer)) throw new Error('the API server gave an answer of another form')
  return answer
}

/** Annotations are left out: they are free texts that anybody writes. */
function selectorsOf({ plural, group }: ObjectReference, { version, kind }: Resource, metadata: JsonObject): string[] {
  const name = textOf(metadata['name'])
  const namespace = textOf(metadata['namespace'])
  return [
    `uid:${textOf(metadata['uid'])}`,
    `resource:${plural}.${group}`,
    `plural:${plural}`,
    `group:${group}`,
    `version:${version}`,
    `apiVersion:${group === 'core' ? version : `${group}/${version}`}`,
    `kind:${kind}`,
    `name:${name}`,
    ...(namespace === '' ? [`key:${name}`] : [`namespace:${namespace}`, `key:${namespace}/${name}`]),
    ...Object.entries(objectOf(metadata['labels'])).map(([key, value]) => `label:${key}:${textOf(value)}`),
    ...listOf(metadata['ownerReferences']).flatMap(ownerSelectors),
  ]
}

/** By the group of its API, whose version says nothing of who it is. */
function ownerSelectors(owner: JsonObject): string[] {
  const [group = '', version] = textOf(owner['apiVersion']).split('/')
  const type = `${version === undefined ? 'core' : group}/${textOf(owner['kind'])}`
  const [key, uid] = [`${type}/${textOf(owner['name'])}`, `${type}/${textOf(owner['uid'])}`]
  const own = [`owner-key:${key}`, `owner-uid:${uid}`]
  return owner['controller'] === true ? [...own, `controller-key:${key}`, `controller-uid:${uid}`] : own
}
