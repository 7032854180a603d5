// sys/whoami: who the calling token stands for, where it came from, and how long it lives.
import { formatTime } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { data } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'

export interface WhoamiDeps {
  readonly mountByAccessor: (accessor: string, namespace: string) => Mount | undefined
}

export function whoamiPaths({ mountByAccessor }: WhoamiDeps): Path[] {
  return [
    path('whoami', 'Who asks.', {}, (op) => ({
      read: op({
        doc: 'Tell what is known of the calling token and whom it stands for.',
        run({ caller, clock }) {
          if (!caller) throw new Fault('denied', 'permission denied')
          return data(describe(caller, mountByAccessor(caller.mountAccessor, caller.namespace), clock.now()))
        },
      }),
    })),
  ]
}

function describe(token: Token, mount: Mount | undefined, now: number): JsonObject {
  const { expiresAt } = token
  return {
    display_name: token.displayName,
    entity_id: token.entityId,
    metadata: token.metadata ? { ...token.metadata } : {},
    policies: [...token.policies],
    namespace: token.namespace,
    accessor: token.accessor,
    type: token.type,
    path: token.path,
    mount: mount ? { accessor: mount.accessor, path: mount.path, type: mount.type } : null,
    role: token.role,
    issue_time: formatTime(token.createdAt),
    expire_time: expiresAt === undefined ? null : formatTime(expiresAt),
    ttl: expiresAt === undefined ? 0 : Math.max(0, Math.ceil((expiresAt - now) / 1000)),
    renewable: token.renewable,
    uses_left: Math.max(token.numUses, 0),
    orphan: token.orphan,
    bound_cidrs: [...token.boundCidrs],
  }
}
