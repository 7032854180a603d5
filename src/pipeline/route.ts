// Where a request goes: namespace, mount, module, declared op, and the parameters as data.
import { Fault } from '../base/fault.ts'
import { isObject, type JsonObject, parseJson } from '../base/json.ts'
import type { Received, Routed, Target } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import type { Namespace } from '../contract/namespace.ts'
import { asFolder, asRecord, type CanonPath } from '../base/path.ts'
import type { Secret } from '../base/secret.ts'
import type { Resolved } from '../tenancy/namespaces.ts'
import { refusedInNamespace } from '../tenancy/restricted.ts'
import { target } from '../tenancy/router.ts'

export interface RouteDeps {
  readonly resolve: (header: string, path: CanonPath) => Resolved | undefined
  /** The namespace of the token that a request came with; undefined for one that doesn't live. */
  readonly homeOf: (token: Secret) => Namespace | undefined
  readonly isSealed: (namespace: Namespace) => boolean
  readonly lockOf: (namespace: Namespace) => Namespace | undefined
  readonly match: (namespace: Namespace, path: CanonPath) => Mount | undefined
  readonly moduleOf: (mount: Mount) => Module | undefined
}

const NO_DATA: JsonObject = {}
/** Mounts and namespaces are often called with the slash that ends their paths; policy decides on the path without it. */
const NAMED_AS_FOLDERS = /^sys\/(?:mounts|auth|namespaces)\/.+\/$/
const NO_PATH: Target = { found: 'no-path' }

/** What a token asks of itself is asked in its own namespace, wherever it is sent to. */
const OWN: ReadonlySet<string> = new Set([
  ...['lookup-self', 'renew-self', 'revoke-self'].map((path) => `auth/token/${path}`),
  ...['lookup', 'unwrap', 'rewrap'].map((path) => `sys/wrapping/${path}`),
])

/** Throws where the namespace is not there or takes no such request. */
export function openRoute({ resolve, homeOf, isSealed, lockOf, match, moduleOf }: RouteDeps): (received: Received) => Routed {
  function atHome({ token }: Received, path: CanonPath): Resolved | undefined {
    const tenant = token && homeOf(token)
    return tenant && { tenant, path }
  }

  function assertOpen(tenant: Namespace, path: CanonPath): void {
    if (tenant.path === '') return
    if (isSealed(tenant)) throw new Fault('sealed', 'namespace is sealed')
    assertUnlocked(lockOf(tenant), path)
  }

  return (received) => {
    const asked = resolve(received.namespace, received.path)
    const resolved = asked && OWN.has(asked.path) ? (atHome(received, asked.path) ?? asked) : asked
    if (!asked || !resolved) throw new Fault('missing', 'namespace not found')
    const { tenant } = resolved
    const path = plainName(received.verb, resolved.path)
    for (const entered of new Set([asked.tenant, tenant])) assertOpen(entered, path)
    const mount = match(tenant, mountable(received.verb, path))
    const module = mount && moduleOf(mount)
    const found = module ? target(module, path.slice(mount.path.length), received.verb) : NO_PATH
    const isOwn = tenant.path === '' || !refusedInNamespace(path, found.found === 'op', tenant.seal === tenant.id)
    if (!isOwn) throw new Fault('invalid', 'operation only available in root namespace')
    return { ...received, tenant, namespace: tenant.path, path, mount, module, target: found, data: dataOf(received, found) }
  }
}

/** A lock ends with its key, which is asked for in the locked namespace itself or by one who comes from above. */
const UNLOCK = 'sys/namespaces/api-lock/unlock'

function assertUnlocked(locked: Namespace | undefined, path: CanonPath): void {
  if (!locked || path === UNLOCK) return
  const text = `API access to this namespace has been locked by an administrator - "${locked.path}" must be unlocked to gain access.`
  throw new Fault('unavailable', text)
}

function plainName(verb: Received['verb'], path: CanonPath): CanonPath {
  const isOne = verb === 'read' || verb === 'delete'
  return isOne && NAMED_AS_FOLDERS.test(path) ? asRecord(path) : path
}

/** Help may be asked of a mount by its bare name. */
function mountable(verb: Received['verb'], path: CanonPath): CanonPath {
  return verb === 'help' ? asFolder(path) : path
}

/** What a client sent: the body for verbs that have one, otherwise the query. Key shares are left as bytes. */
export function dataOf({ verb, body, query }: Pick<Received, 'verb' | 'body' | 'query'>, found: Target): JsonObject {
  if (verb !== 'write' && verb !== 'patch') return query
  if (body.length === 0 || (found.found === 'op' && found.op.bytes)) return NO_DATA
  const parsed = parseJson(body)
  if (parsed === null) return NO_DATA
  if (!isObject(parsed)) throw new Fault('invalid', 'failed to parse JSON input: expected an object')
  return parsed
}

/** The answer for a path that policy allows and nothing serves. */
export function unrouted({ mount, target: found, path }: Routed): Fault {
  if (!mount) return new Fault('missing', `no handler for route "${path}". route entry not found.`)
  if (found.found === 'no-op') return new Fault('unsupported', '1 error occurred:\n\t* unsupported operation\n\n')
  return new Fault('missing', '1 error occurred:\n\t* unsupported path\n\n')
}
