// sys/internal/ui: the preflight by which clients learn what is mounted at a path, and what the caller can use.
import { Fault, invalidToken } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { text } from '../base/fields.ts'
import { type CanonPath, parsePath } from '../base/path.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Acl } from '../policy/acl.ts'
import { describeMount, describeVisible } from './mount-json.ts'
import { resultantAcl } from './resultant-acl.ts'
import type { Tenant, TenantOf } from './tenant.ts'

export interface UiDeps {
  readonly tenant: TenantOf
  /** Where a path leads that may go on into namespaces below the one that is asked. */
  readonly below: (ctx: Ctx, path: CanonPath) => { readonly tenant: Tenant; readonly path: CanonPath }
  /** Names of the namespaces directly within the one that is asked, each with a slash. */
  readonly children: (ctx: Ctx) => readonly string[]
  readonly find: (id: string) => Token | undefined
  /** Whether the token can do anything at all under a path of a namespace. */
  readonly reaches: (token: Token, namespace: string, prefix: string) => boolean
  readonly aclOf: (token: Token) => Acl
}

export function uiPaths(deps: UiDeps): Path[] {
  return [
    path('internal/ui/mounts', 'Mounts that the caller can use.', {}, (op) => ({
      read: op({ doc: 'List mounts; without a token only those made visible.', access: 'open', run: (ctx) => data(visible(deps, ctx)) }),
    })),
    path('internal/ui/mounts/*path', 'The mount that serves a path.', { path: text('A path, with or without the secret in it.') }, (op) => ({
      read: op({ doc: 'Read the mount of a path.', access: 'open', run: (ctx, input) => preflight(deps, ctx, parsePath(input.path)) }),
    })),
    path('internal/ui/namespaces', 'Namespaces that the caller can use.', {}, (op) => ({
      read: op({ doc: 'List the names of those directly within this one.', access: 'open', run: (ctx) => namespaces(deps, ctx) }),
    })),
    path('internal/ui/resultant-acl', 'What the policies of the caller add up to.', {}, (op) => ({
      read: op({ doc: 'Read what it may do, by path.', run: ({ caller }) => data(caller ? resultantAcl(deps.aclOf(caller), caller) : {}) }),
    })),
  ]
}

function callerOf({ find }: UiDeps, { token }: Ctx): Token | undefined {
  return token && find(token.reveal())
}

function visible(deps: UiDeps, ctx: Ctx): JsonObject {
  const caller = callerOf(deps, ctx)
  const { namespace, mounts } = deps.tenant(ctx)
  const usable = (mount: Mount) => caller !== undefined && deps.reaches(caller, namespace.path, mount.path)
  const seen = (mount: Mount) => mount.config.listingVisibility === 'unauth' || usable(mount)
  const family = (of: 'secret' | 'auth', prefix: string): JsonObject =>
    Object.fromEntries(
      mounts
        .list(of)
        .filter(seen)
        .map((mount) => [mount.path.slice(prefix.length), caller ? describeMount(mount) : describeVisible(mount)]),
    )
  return { auth: family('auth', 'auth/'), secret: family('secret', '') }
}

function preflight(deps: UiDeps, ctx: Ctx, asked: CanonPath): Reply {
  const { tenant, path: rest } = deps.below(ctx, asked)
  const mount = tenant.mounts.match(`${rest}/` as CanonPath)
  const caller = callerOf(deps, ctx)
  if (!mount || !caller || !deps.reaches(caller, mount.namespace, mount.path)) {
    throw new Fault('denied', `preflight capability check returned 403, please ensure client's policies grant access to path "${asked}/"`)
  }
  const shown = mount.class === 'auth' ? mount.path.slice('auth/'.length) : mount.path
  return data({ ...describeMount(mount), path: mount.namespace.slice(ctx.mount.namespace.length) + shown })
}

function namespaces(deps: UiDeps, ctx: Ctx): Reply {
  const caller = callerOf(deps, ctx)
  if (!caller) throw invalidToken()
  const usable = deps.children(ctx).filter((name) => deps.reaches(caller, ctx.mount.namespace, name))
  return data(usable.length > 0 ? { keys: usable } : {})
}
