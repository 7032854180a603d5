// sys/config/auditing/request-headers: which headers of requests are recorded, and how.
import { bool, or, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { type Path, path } from '../contract/module.ts'
import { data, empty } from '../contract/reply.ts'
import type { AuditedHeaders } from '../audit/headers.ts'

export function auditedHeaderPaths(headers: AuditedHeaders): Path[] {
  return [
    path('config/auditing/request-headers', 'Request headers that are recorded.', {}, (op) => ({
      read: op({ doc: 'List the headers.', access: 'sudo', run: () => data({ headers: shown(headers.list()) }, { spread: true }) }),
    })),
    path('config/auditing/request-headers/:header', 'A request header that is recorded.', { header: text('Its name.') }, (op) => ({
      read: op({
        doc: 'Read how it is recorded.',
        access: 'sudo',
        run(_, { header }) {
          const setting = headers.list()[header.toLowerCase()]
          if (!setting) throw new Fault('invalid', 'Could not find header in config')
          return data({ [header]: { hmac: setting.hmac } }, { spread: true })
        },
      }),
      write: op({
        doc: 'Record the header.',
        access: 'sudo',
        input: { hmac: or(bool('Record its values as HMACs.'), false) },
        async run(_, { header, hmac }) {
          await headers.set(header, { hmac })
          return empty()
        },
      }),
      delete: op({
        doc: 'Do not record it any more.',
        access: 'sudo',
        async run(_, { header }) {
          await headers.remove(header)
          return empty()
        },
      }),
    })),
  ]
}

function shown(list: ReturnType<AuditedHeaders['list']>): Record<string, { hmac: boolean }> {
  return Object.fromEntries(Object.entries(list).map(([name, { hmac }]) => [name, { hmac }]))
}
