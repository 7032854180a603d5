// The API server of a cluster as far as objects are looked up there: types, metadata, pages.
import type { HttpGet } from '../agent/attestors/http.ts'
import type { JsonObject } from '../base/json.ts'

interface Type {
  readonly version: string
  readonly kind: string
  readonly namespaced: boolean
}

export interface ApiServer {
  readonly get: HttpGet
  /** What was asked for. */
  readonly asked: { readonly path: string; readonly accept: string | undefined }[]
  /** Makes a type known: `plural.group`. */
  define(type: string, as: Type): void
  /** Takes an object in, by its metadata and what else is in it. */
  put(type: string, metadata: JsonObject, more?: JsonObject): void
  remove(type: string, name: string): void
  /** Answers everything with this status from now on. */
  fail(status: number): void
}

export function apiServer(): ApiServer {
  const types = new Map<string, Type>([
    ['deployments.apps', { version: 'v1', kind: 'Deployment', namespaced: true }],
    ['nodes.core', { version: 'v1', kind: 'Node', namespaced: false }],
    ['pods.core', { version: 'v1', kind: 'Pod', namespaced: true }],
  ])
  const objects: { readonly type: string; readonly metadata: JsonObject }[] = []
  const asked: { path: string; accept: string | undefined }[] = []
  let failing: number | undefined
  const groupOf = (type: string) => type.slice(type.indexOf('.') + 1)

  function resources(group: string): JsonObject | undefined {
    const found = [...types].filter(([type]) => groupOf(type) === group)
    const list = found.map(([type, { kind, namespaced }]) => ({ name: type.slice(0, type.indexOf('.')), kind, namespaced }))
    return found.length > 0 ? { resources: list } : undefined
  }

  function answer(path: string): JsonObject | undefined {
    const url = new URL(path, 'http://api')
    const parts = url.pathname.split('/').slice(1).map(decodeURIComponent)
    const group = parts[0] === 'api' ? 'core' : (parts[1] ?? '')
    const rest = parts.slice(parts[0] === 'api' ? 2 : 3)
    const version = [...types].find(([type]) => groupOf(type) === group)?.[1].version
    if (parts[0] === 'apis' && parts.length === 2)
      return version === undefined ? undefined : { preferredVersion: { version }, versions: [{ version }] }
    if (rest.length === 0) return resources(group)
    const [namespace, plural, name] = rest[0] === 'namespaces' ? rest.slice(1) : [undefined, ...rest]
    const all = objects.filter(
      ({ type, metadata }) => type === `${plural}.${group}` && (namespace === undefined || metadata['namespace'] === namespace),
    )
    if (name !== undefined) return all.find(({ metadata }) => metadata['name'] === name) as JsonObject | undefined
    return page(all, url)
  }

  return {
    asked,
    async get(path, headers) {
      asked.push({ path, accept: headers?.['accept'] })
      const found = failing === undefined ? answer(path) : {}
      return { status: failing ?? (found ? 200 : 404), body: Buffer.from(JSON.stringify(found ?? {})) }
    },
    define: (type, as) => void types.set(type, as),
    put: (type, metadata, more = {}) => void objects.push({ ...more, type, metadata }),
    remove(type, name) {
      const at = objects.findIndex((one) => one.type === type && one.metadata['name'] === name)
      objects.splice(at, 1)
    },
    fail(status) {
      failing = status
    },
  }
}

function page(all: readonly { readonly metadata: JsonObject }[], { searchParams }: URL): JsonObject {
  const from = Number(searchParams.get('continue') ?? 0)
  const to = from + Number(searchParams.get('limit'))
  return { metadata: { continue: to < all.length ? String(to) : '' }, items: all.slice(from, to) as unknown as JsonObject[] }
}
