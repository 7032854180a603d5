// sys/leases, its count and its tidying: leases that could not be taken back.
import { Fault } from '../base/fault.ts'
import { bool, or, text } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { accepted, data, missing, type Reply } from '../contract/reply.ts'
import type { Lease } from '../lease/lease.ts'
import type { LeaseDeps } from './leases.ts'

export interface OverviewDeps extends LeaseDeps {
  /** Ids of the namespace that a mount is in, and of all below it. */
  readonly namespacesFrom: (mount: Mount) => readonly string[]
}

const input = {
  type: or(text('"irrevocable": leases that could not be taken back.'), ''),
  include_child_namespaces: or(bool('Those of the namespaces below as well.'), false),
}
const listInput = { ...input, limit: or(text('Show at most so many; "none" for all.'), '') }

/** Shown where the client says nothing. */
const LIMIT = 10_000
const MORE = 'Command halted because many irrevocable leases were found. To emit the entire list, re-run the command with force set true.'
const STARTED = 'Tidy operation successfully started. Any information from the operation will be printed to the server logs.'

export function leaseOverviewPaths(deps: OverviewDeps): Path[] {
  return [
    path('leases', 'Leases that could not be taken back.', {}, (op) => ({
      read: op({
        doc: 'List the irrevocable leases.',
        access: 'sudo',
        input: listInput,
        run: ({ mount }, given) => (isKnown(given.type) ? list(deps, stuck(deps, mount, given.include_child_namespaces), given.limit) : missing()),
      }),
    })),
    path('leases/count', 'How many leases could not be taken back.', {}, (op) => ({
      read: op({
        doc: 'Count the irrevocable leases.',
        input,
        run: ({ mount }, given) => (isKnown(given.type) ? data(count(deps, stuck(deps, mount, given.include_child_namespaces))) : missing()),
      }),
    })),
    path('leases/tidy', 'Leases without a token.', {}, (op) => ({
      write: op({
        doc: 'Look for leases whose token is gone, and end them.',
        run({ mount }) {
          void deps.tidy(deps.namespaceOf(mount))
          return accepted(STARTED)
        },
      }),
    })),
  ]
}

function isKnown(type: string): boolean {
  return type.toLowerCase() === 'irrevocable'
}

function* stuck({ leases, namespaceOf, namespacesFrom }: OverviewDeps, mount: Mount, below: boolean): Generator<Lease> {
  for (const namespace of below ? namespacesFrom(mount) : [namespaceOf(mount)]) yield* leases.irrevocable(namespace)
}

function list(deps: OverviewDeps, all: Iterator<Lease> & Iterable<Lease>, wish: string): Reply {
  const limit = parseLimit(wish)
  const found = Array.from(Iterator.from(all).take(limit + 1))
  const shown = found.slice(0, limit).sort((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1))
  const body: JsonObject = {
    lease_count: shown.length,
    leases: shown.map((lease) => ({ lease_id: lease.id, mount_id: accessorOf(deps, lease), error: lease.error })),
  }
  return data(body, found.length > limit ? { warnings: [MORE] } : {})
}

function parseLimit(wish: string): number {
  if (wish === '') return LIMIT
  if (wish.toLowerCase() === 'none') return Number.MAX_SAFE_INTEGER - 1
  if (!/^[+-]?\d+$/.test(wish)) throw new Fault('invalid', `invalid 'limit' provided: strconv.Atoi: parsing ${JSON.stringify(wish)}: invalid syntax`)
  if (Number(wish) < 1) throw new Fault('invalid', "limit must be 'none' or a positive integer")
  return Math.min(Number(wish), Number.MAX_SAFE_INTEGER - 1)
}

function count(deps: OverviewDeps, all: Iterable<Lease>): JsonObject {
  const counts: Record<string, number> = {}
  let sum = 0
  for (const lease of all) {
    const accessor = accessorOf(deps, lease)
    counts[accessor] = (counts[accessor] ?? 0) + 1
    sum++
  }
  return { lease_count: sum, counts }
}

function accessorOf({ accessorOf: of }: LeaseDeps, lease: Lease): string {
  return of(lease) ?? 'mount-accessor-not-found'
}
