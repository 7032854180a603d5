// Where a request goes: namespace, mount, module, declared op, and the parameters as data.
import { Fault } from '../base/fault.ts'
import { isObject, type JsonObject, parseJson } from '../base/json.ts'
import type { Received, Routed, Target } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { asFolder, type CanonPath } from '../base/path.ts'
import { target } from '../tenancy/router.ts'

export interface RouteDeps {
  readonly match: (path: CanonPath) => Mount | undefined
  readonly moduleOf: (mount: Mount) => Module | undefined
}

const NO_DATA: JsonObject = {}
const NO_PATH: Target = { found: 'no-path' }

export function openRoute({ match, moduleOf }: RouteDeps): (received: Received) => Routed {
  return (received) => {
    const mount = received.namespace === '' ? match(mountable(received)) : undefined
    const module = mount && moduleOf(mount)
    const found = module ? target(module, received.path.slice(mount.path.length), received.verb) : NO_PATH
    return { ...received, mount, module, target: found, data: dataOf(received, found) }
  }
}

/** Help may be asked of a mount by its bare name. */
function mountable({ verb, path }: Received): CanonPath {
  return verb === 'help' ? asFolder(path) : path
}

/** What a client sent: the body for verbs that have one, otherwise the query. Key shares are left as bytes. */
function dataOf({ verb, body, query }: Received, found: Target): JsonObject {
  if (verb !== 'write' && verb !== 'patch') return query
  if (body.length === 0 || (found.found === 'op' && found.op.bytes)) return NO_DATA
  const parsed = parseJson(body)
  if (parsed === null) return NO_DATA
  if (!isObject(parsed)) throw new Fault('invalid', 'failed to parse JSON input: expected an object')
  return parsed
}

/** The answer for a path that policy allows and nothing serves. */
export function unrouted({ mount, target: found, path, namespace }: Routed): Fault {
  if (!mount) return new Fault('missing', `no handler for route "${namespace}${path}". route entry not found.`)
  if (found.found === 'no-op') return new Fault('unsupported', '1 error occurred:\n\t* unsupported operation\n\n')
  return new Fault('missing', '1 error occurred:\n\t* unsupported path\n\n')
}
