// What a source has that this import does not carry: named, so that nobody misses it later.
import type { Client } from '../../client/client.ts'
import { isExpected } from '../failure.ts'
import { dataAt, type Importing, names } from './importing.ts'

interface Leftover {
  readonly kind: string
  readonly find: (source: Client) => Promise<number>
  readonly why: string
}

const count = (path: string) => async (source: Client) => (await names(source, path)).length

const LEFTOVERS: readonly Leftover[] = [
  {
    kind: 'audit devices',
    find: async (source) => Object.values((await dataAt(source, 'sys/audit')) ?? {}).length,
    why: 'where they write to belongs to a machine: enable them in the target',
  },
  { kind: 'namespaces', find: count('sys/namespaces'), why: 'import each by itself, with -source-namespace and -namespace' },
  { kind: 'entities', find: count('identity/entity/id'), why: 'identities are not carried' },
  { kind: 'groups', find: count('identity/group/id'), why: 'identities are not carried' },
  { kind: 'rate limits', find: count('sys/quotas/rate-limit'), why: 'quotas are not carried' },
  { kind: 'tokens', find: count('auth/token/accessors'), why: 'tokens, cubbyholes and leases end with their server: log in anew' },
]

/** A source that does not know or show one of them has none to tell of. */
export async function nameLeftovers({ source, report }: Importing): Promise<void> {
  for (const { kind, find, why } of LEFTOVERS) {
    const found = await find(source).catch((error: unknown) => {
      if (isExpected(error)) return 0
      throw error
    })
    if (found > 0) report.add(kind, String(found), 'left', why)
  }
}
