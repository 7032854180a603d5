// sys/leases: look leases up, prolong them and end them, one by one. Tokens are leases too, as far as they can be.
import { bool, int, maybe, or, seconds, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import { formatTime } from '../base/duration.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import { accepted, data, empty, keys, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { GiveBack } from '../lease/give-back.ts'
import { hasEnded, isIrrevocable, type Lease } from '../lease/lease.ts'
import type { Leases } from '../lease/leases.ts'
import { secondsUntil } from '../lease/lend.ts'
import type { Renew } from '../lease/renew.ts'
import { CLAIM_MS } from '../lease/times.ts'
import type { Page } from '../store/folder.ts'
import { namespaceIdOf } from '../store/layout.ts'
import { compareKeys } from '../store/order.ts'
import type { TokenLeases } from '../token/leases.ts'
import type { Tokens } from '../token/tokens.ts'

export interface LeaseDeps {
  readonly leases: Leases
  readonly tokenLeases: TokenLeases
  readonly tokens: Pick<Tokens, 'revoke'>
  readonly renew: Renew
  readonly giveBack: GiveBack
  readonly tidy: (namespace: string) => Promise<void>
  /** The id of the namespace that a mount is in. */
  readonly namespaceOf: (mount: Mount) => string
  /** Accessor of the mount whose lease it is; undefined where nothing is known of that any more. */
  readonly accessorOf: (lease: Pick<Lease, 'id' | 'mount'>) => string | undefined
}

export const syncInput = {
  sync: or(bool('Answer when it is done, and say whether it failed; otherwise it is done later, as often as it takes.'), true),
}

const idInput = { lease_id: or(text('Id of the lease.'), '') }
const idParam = { url_lease_id: text('Id of the lease.') }
const renewInput = { ...idInput, increment: or(seconds('How much longer the lease shall live; a wish.'), 0) }
const pageInput = { after: or(text('Begin after this name.'), ''), limit: maybe(int('Show at most so many names.')) }

export function leasePaths(deps: LeaseDeps): Path[] {
  return [...lookupPaths(deps), ...renewPaths(deps), ...revokePaths(deps)]
}

function lookupPaths(deps: LeaseDeps): Path[] {
  const listing = (ctx: Ctx, prefix: string, page: { after: string; limit: number | undefined }) => keys(names(deps, ctx, prefix, page))
  return [
    path('leases/lookup', 'What is known of a lease.', {}, (op) => ({
      write: op({ doc: 'Look a lease up.', input: idInput, run: (ctx, { lease_id: id }) => data(lookup(deps, ctx, needed(id))) }),
      list: op({ doc: 'List where there are leases.', access: 'sudo', input: pageInput, run: (ctx, page) => listing(ctx, '', page) }),
    })),
    path('leases/lookup/*prefix', 'Leases by their ids.', { prefix: text('What the ids start with.') }, (op) => ({
      list: op({
        doc: 'List what follows a prefix in the ids of leases.',
        access: 'sudo',
        input: pageInput,
        run: (ctx, { prefix, ...page }) => listing(ctx, `${prefix}/`, page),
      }),
    })),
  ]
}

function names(
  { leases, tokenLeases, namespaceOf }: LeaseDeps,
  { mount }: Ctx,
  prefix: string,
  { after, limit }: { after: string; limit: number | undefined },
): string[] {
  if (limit !== undefined && limit < 1) throw new Fault('invalid', 'limit must be a positive number')
  const page: Page = { ...(after === '' ? {} : { after }), ...(limit === undefined ? {} : { limit }) }
  const namespace = namespaceOf(mount)
  const all = new Set([...leases.children(namespace, prefix, page), ...tokenLeases.children(namespace, prefix, page)])
  return [...all].sort(compareKeys).slice(0, limit)
}

function lookup({ leases, tokenLeases, namespaceOf }: LeaseDeps, { mount, clock }: Ctx, id: string): JsonObject {
  if (namespaceIdOf(id) === namespaceOf(mount)) {
    const place = mount.namespace === '' ? {} : { namespace_path: mount.namespace }
    const lease = leases.find(id)
    if (lease) return { ...describe(lease, clock.now()), ...place }
    const token = tokenLeases.find(id)
    if (token) return { ...describeToken(token, id, clock.now()), ...place }
  }
  throw new Fault('invalid', 'invalid lease')
}

function describe(lease: Lease, now: number): JsonObject {
  return {
    id: lease.id,
    path: lease.path,
    issue_time: formatTime(lease.issuedAt),
    expire_time: formatTime(lease.expiresAt),
    last_renewal: lease.renewedAt === 0 ? null : formatTime(lease.renewedAt),
    renewable: lease.renewable && !hasEnded(lease, now),
    ttl: Math.max(0, secondsUntil(lease.expiresAt, now)),
    ...(isIrrevocable(lease) ? { revoke_error: lease.error } : {}),
  }
}

function describeToken({ path: at, createdAt, expiresAt, lastRenewedAt, renewable }: Token, id: string, now: number): JsonObject {
  return {
    id,
    path: at,
    issue_time: formatTime(createdAt),
    expire_time: expiresAt === undefined ? null : formatTime(expiresAt),
    last_renewal: lastRenewedAt === 0 ? null : formatTime(lastRenewedAt),
    renewable: renewable && expiresAt !== undefined,
    ttl: expiresAt === undefined ? 0 : Math.max(0, secondsUntil(expiresAt, now)),
  }
}

function renewPaths(deps: LeaseDeps): Path[] {
  const renewed = async ({ mount }: Ctx, id: string, increment: number): Promise<Reply> => {
    if (namespaceIdOf(id) !== deps.namespaceOf(mount)) throw new Fault('invalid', 'lease not found')
    if (!deps.leases.find(id) && deps.tokenLeases.find(id)) throw new Fault('invalid', 'tokens cannot be renewed through this endpoint')
    return data(null, await deps.renew(id, increment))
  }
  return [
    path('leases/renew', 'Leases live longer.', {}, (op) => ({
      write: op({ doc: 'Renew a lease.', input: renewInput, run: (ctx, input) => renewed(ctx, needed(input.lease_id), input.increment) }),
    })),
    path('leases/renew/*url_lease_id', 'A lease lives longer.', idParam, (op) => ({
      write: op({
        doc: 'Renew a lease.',
        input: renewInput,
        run: (ctx, input) => renewed(ctx, input.lease_id || input.url_lease_id, input.increment),
      }),
    })),
  ]
}

function revokePaths(deps: LeaseDeps): Path[] {
  const input = { ...idInput, ...syncInput }
  return [
    path('leases/revoke', 'Leases end.', {}, (op) => ({
      write: op({ doc: 'Take back what a lease is of.', input, run: (ctx, given) => revoke(deps, ctx, needed(given.lease_id), given.sync) }),
    })),
    path('leases/revoke/*url_lease_id', 'A lease ends.', idParam, (op) => ({
      write: op({
        doc: 'Take back what a lease is of.',
        input,
        run: (ctx, given) => revoke(deps, ctx, given.lease_id || given.url_lease_id, given.sync),
      }),
    })),
  ]
}

async function revoke(deps: LeaseDeps, { mount, clock }: Ctx, id: string, sync: boolean): Promise<Reply> {
  if (namespaceIdOf(id) === deps.namespaceOf(mount)) {
    const token = deps.tokenLeases.find(id)
    if (token) await deps.tokens.revoke(token)
    else if (deps.leases.find(id)) await endLease(deps, id, sync, clock.now())
  }
  return sync ? empty() : accepted()
}

/** It ends either way: where it can't be taken back now, that is tried again later. */
async function endLease({ leases, giveBack }: LeaseDeps, id: string, sync: boolean, now: number): Promise<void> {
  await leases.end([id], sync ? now + CLAIM_MS : now, true)
  const fault = sync ? await giveBack(id) : undefined
  if (fault) throw new Fault('invalid', failure(fault))
}

export function failure(fault: Fault): string {
  return `failed to revoke entry: ${fault.message}`
}

function needed(id: string): string {
  if (id === '') throw new Fault('invalid', 'lease_id must be specified')
  return id
}
