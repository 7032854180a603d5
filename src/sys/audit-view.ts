// sys/audit-view: what a namespace may see of the audit.
import { int, or, text, time } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { AuditView } from '../audit/view.ts'
import { enveloped } from './enveloped.ts'

export interface AuditViewDeps {
  readonly view: AuditView
  /** Ids of the namespace that is asked in and of all within it. */
  readonly idsOf: (ctx: Pick<Ctx, 'mount'>) => readonly string[]
}

const MAX_PAGE = 1_000

const input = {
  after: or(text('The `next` of the page before; the start where unset.'), ''),
  since: or(time('Only records of this time and later.'), 0),
  limit: or(int('How many records at most.'), 100),
}

export function auditViewPaths({ view, idsOf }: AuditViewDeps): Path[] {
  return [
    path('audit-view', 'Audit records of this namespace and those within it.', {}, (op) => ({
      read: op({
        doc: 'Read a page of them, oldest first, with HMACs in place of texts.',
        access: 'sudo',
        input,
        async run(ctx, { after, since, limit }) {
          if (limit < 1 || limit > MAX_PAGE) throw new Fault('invalid', `limit must be 1 to ${MAX_PAGE}`)
          const { records, ...rest } = await view({ namespace: ctx.mount.namespaceId, ids: new Set(idsOf(ctx)), after, since, limit })
          // As bytes: the record of this answer then holds one HMAC, and not all that was viewed once more.
          const body = Buffer.from(JSON.stringify({ records, ...rest }))
          return { kind: 'raw', status: 200, contentType: 'application/json', body: enveloped(body, ctx.request.id) }
        },
      }),
    })),
  ]
}
