// What is derived from the modules at run time: help and the OpenAPI document.
import type { JsonObject } from '../base/json.ts'
import type { Routed } from '../contract/call.ts'
import { type Module, type Path, path } from '../contract/module.ts'
import { plain, type Reply } from '../contract/reply.ts'
import { moduleHelp, pathHelp } from '../derive/help.ts'
import { type Mounted, openApi } from '../derive/openapi.ts'
import type { ModuleOf } from '../modules.ts'
import { SIGNET_VERSION } from '../sys/version.ts'
import type { TenantOf } from '../sys/tenant.ts'
import type { Mounts } from '../tenancy/mounts.ts'
import { matcher } from '../tenancy/router.ts'

export interface MoreDeps {
  readonly tenant: TenantOf
  readonly moduleOf: ModuleOf
}

/** System paths that need rooms above sys/. */
export function morePaths({ tenant, moduleOf }: MoreDeps): Path[] {
  return [
    path('internal/specs/openapi', 'The OpenAPI document of everything that is mounted.', {}, (op) => ({
      read: op({ doc: 'Read the document.', run: (ctx) => plain(openApi(mounted(tenant(ctx).mounts, moduleOf), SIGNET_VERSION)) }),
    })),
  ]
}

function mounted(mounts: Mounts, moduleOf: ModuleOf): Mounted[] {
  return [...mounts.list('secret'), ...mounts.list('auth')].flatMap((mount) => {
    const module = moduleOf(mount)
    return module ? [{ at: mount.path, module }] : []
  })
}

/** Of the path asked about, or of the whole mount where that is no path of its own. */
export function helpReply(module: Module, { path: asked, mount }: Routed): Reply {
  const rest = asked.slice(mount?.path.length ?? 0).replace(/\/$/, '')
  const found = rest === '' ? undefined : matcher(module)(rest)
  const help: JsonObject = found ? pathHelp(module, found.path, rest, SIGNET_VERSION) : moduleHelp(module, SIGNET_VERSION)
  return plain(help)
}
