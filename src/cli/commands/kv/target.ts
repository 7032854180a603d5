// Where a key of a KV mount lives in the API: behind `data/`, `metadata/` … in version 2, as it is in version 1.
import { isObject, type JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { ApiError } from '../../../client/failure.ts'
import { parseSecret } from '../../../client/secret.ts'
import { Failure } from '../../failure.ts'
import { text } from '../../flag.ts'
import { cleanPath } from '../../mount-path.ts'
import type { Terminal } from '../../terminal.ts'

export type KvApi = 'data' | 'metadata' | 'delete' | 'undelete' | 'destroy'

export interface KvTarget {
  readonly v2: boolean
  /** The path in the API; the same for all in version 1. */
  at(api: KvApi): string
}

/** How the `kv` commands are told of the mount. */
export const mountFlag = {
  mount: text('Path of the mount; the argument is then the key alone. Unless given, the argument is the mount and the key as one path.'),
}

/** Asks the server which mount the key is in and of which version, as Vault's tools do before every `kv` command. */
export async function findTarget(terminal: Terminal, client: Client, arg: string, mount: string | undefined): Promise<KvTarget> {
  const path = cleanPath(arg)
  const found = await preflight(terminal, client, mount ? cleanPath(mount) : path)
  if (!found.v2) return { v2: false, at: () => (mount ? join(found.path || cleanPath(mount), path) : path) }
  return { v2: true, at: (api) => apiPath(mount ? join(found.path, path) : path, found.path, api) }
}

/** Like findTarget, for what version 1 has not. `refusal` says so. */
export async function findVersioned(
  terminal: Terminal,
  client: Client,
  arg: string,
  mount: string | undefined,
  refusal: { readonly text: string; readonly exitCode: 1 | 2 },
): Promise<KvTarget> {
  const target = await findTarget(terminal, client, arg, mount)
  if (!target.v2) throw new Failure(refusal.exitCode, refusal.text)
  return target
}

/**
 * Puts the API's name between the mount and the key. The server may name the mount from a namespace that the path is already
 * in; then the parts of the mount that the path does not begin with are left out.
 * @example apiPath('secret/app', 'secret/', 'data') // 'secret/data/app'
 */
export function apiPath(path: string, mountPath: string, api: KvApi): string {
  const whole = cleanPath(mountPath)
  const parts = whole.split('/')
  for (let from = 0; from < parts.length; from++) {
    const mount = parts.slice(from).join('/')
    if (path === mount) return join(mount, api)
    if (path.startsWith(`${mount}/`)) return join(mount, api, path.slice(mount.length))
  }
  return join(parts.at(-1) ?? '', api, path)
}

async function preflight(terminal: Terminal, client: Client, path: string): Promise<{ path: string; v2: boolean }> {
  try {
    // Sent even where -output-curl-string withholds the request itself, and never wrapped.
    const plain = client.with({ request: terminal.ports.request, wrapTtl: '' })
    const secret = parseSecret((await plain.call('GET', `sys/internal/ui/mounts/${path}`)).body)
    if (!secret) throw new Failure(2, 'nil response from pre-flight request')
    return { path: textOf(secret.data?.['path']), v2: optionsOf(secret.data)['version'] === '2' }
  } catch (error) {
    // A server too old to tell has version 1 only.
    if (error instanceof ApiError && error.status === 404) return { path: '', v2: false }
    throw error
  }
}

function optionsOf(data: JsonObject | null): JsonObject {
  return isObject(data?.['options']) ? data['options'] : {}
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function join(...parts: readonly string[]): string {
  return parts.map(cleanPath).filter(Boolean).join('/')
}
