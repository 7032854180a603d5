// sys/internal/ui/mounts: the preflight by which clients learn what is mounted at a path and in which version.
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { text } from '../base/fields.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import { type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Secret } from '../base/secret.ts'
import type { Token } from '../contract/token.ts'
import type { Mounts } from '../tenancy/mounts.ts'
import { describeMount } from './mount-json.ts'

export interface UiDeps {
  readonly mounts: Mounts
  readonly find: (id: string) => Token | undefined
  /** Whether the token can do anything at all under a path. */
  readonly reaches: (token: Token, prefix: string) => boolean
}

export function uiPaths(deps: UiDeps): Path[] {
  return [
    path('internal/ui/mounts', 'Mounts that the caller can use.', {}, (op) => ({
      read: op({ doc: 'List mounts; without a token only those made visible.', access: 'open', run: (ctx) => data(visible(deps, ctx.token)) }),
    })),
    path('internal/ui/mounts/*path', 'The mount that serves a path.', { path: text('A path, with or without the secret in it.') }, (op) => ({
      read: op({ doc: 'Read the mount of a path.', access: 'open', run: (ctx, input) => preflight(deps, parsePath(input.path), ctx.token) }),
    })),
  ]
}

function callerOf({ find }: UiDeps, token: Secret | undefined): Token | undefined {
  return token && find(token.reveal())
}

function visible(deps: UiDeps, token: Secret | undefined): JsonObject {
  const caller = callerOf(deps, token)
  const seen = (mount: Mount) => mount.config.listingVisibility === 'unauth' || (caller !== undefined && deps.reaches(caller, mount.path))
  const family = (of: 'secret' | 'auth', prefix: string): JsonObject =>
    Object.fromEntries(
      deps.mounts
        .list(of)
        .filter(seen)
        .map((mount) => [mount.path.slice(prefix.length), caller ? describeMount(mount) : summary(mount)]),
    )
  return { auth: family('auth', 'auth/'), secret: family('secret', '') }
}

/** What someone without a token may know of a visible mount. */
function summary(mount: Mount): JsonObject {
  return { description: mount.description, type: mount.type, options: mount.options ? { ...mount.options } : null }
}

function preflight(deps: UiDeps, asked: CanonPath, token: Secret | undefined): Reply {
  const mount = deps.mounts.match(`${asked}/` as CanonPath)
  const caller = callerOf(deps, token)
  if (!mount || !caller || !deps.reaches(caller, mount.path)) {
    throw new Fault('denied', `preflight capability check returned 403, please ensure client's policies grant access to path "${asked}/"`)
  }
  return data({ ...describeMount(mount), path: mount.path })
}
