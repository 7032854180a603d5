// An engine whose leases stand for nothing: what leases cost by themselves.
import { int, or } from '../src/base/fields.ts'
import { type Module, path } from '../src/contract/module.ts'
import { data } from '../src/contract/reply.ts'
import type { ModuleOf } from '../src/modules.ts'

/** `late` is told how many milliseconds after its end each lease is taken back. */
export function bare(late: (milliseconds: number) => void): ModuleOf {
  const module: Module = {
    kind: 'engine',
    type: 'bare',
    doc: 'Lends nothing.',
    leases: { nothing: { revoke: async ({ clock }, lease) => late(clock.now() - lease.expiresAt) } },
    paths: [
      path('lease', 'A lease.', {}, (op) => ({
        read: op({
          doc: 'Borrow nothing.',
          input: { ttl: or(int('Seconds.'), 3600) },
          run: (_, { ttl }) => data({}, { lease: { kind: 'nothing', ttl, maxTtl: 0, renewable: true, internal: {} } }),
        }),
      })),
    ],
  }
  return (mount) => (mount.class === 'secret' && mount.type === 'bare' ? module : undefined)
}
