// The lease room alone: a store in memory, tokens and mounts that are only names, and accounts in memory that a module lends.
import { randomBytes } from 'node:crypto'
import { silent } from '../base/log.ts'
import type { LeaseGrant } from '../contract/lease.ts'
import type { Mount } from '../contract/mount.ts'
import { checkLeases } from '../lease/check.ts'
import { type Due, openDue } from '../lease/due.ts'
import { type GiveBack, openGiveBack } from '../lease/give-back.ts'
import { type Leases, openLeases } from '../lease/leases.ts'
import { type Leave, openLeave } from '../lease/leave.ts'
import { type Loan, openLend } from '../lease/lend.ts'
import { openQuotas, type Quotas } from '../lease/quotas.ts'
import { openRenew, type Renew } from '../lease/renew.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { LeaseMeter } from '../telemetry/metrics.ts'
import { type Accounts, openAccounts } from './accounts.ts'
import { type HandTimers, handTimers, type SettableClock, settableClock, stillTimers } from './clock.ts'
import { lender } from './lender.ts'
import { openBench } from './run-op.ts'

export interface LeaseBench {
  readonly store: Store
  readonly clock: SettableClock
  readonly timers: HandTimers
  readonly accounts: Accounts
  readonly leases: Leases
  readonly quotas: Quotas
  readonly giveBack: GiveBack
  readonly renew: Renew
  readonly due: Due
  readonly leave: Leave
  readonly counted: Record<keyof LeaseMeter, number>
  mount(name: string): Mount
  /** Makes a token that leases can hang on. */
  addToken(hash: string): Promise<void>
  /** Ends it, and all that it holds. */
  endToken(hash: string): Promise<void>
  addMount(name: string): Promise<Mount>
  removeMount(name: string): Promise<void>
  /** Borrows an account; with `plain`, without an action; with `latest`, as for a token that ends then. */
  borrow(mount: string, holder: string, more?: Partial<LeaseGrant> & { readonly plain?: true; readonly latest?: number }): Promise<Loan>
  /** What checkLeases says. */
  check(): string[]
}

const NAMESPACE = 'root'

/** With the same store and accounts it is the same server, started again. */
export function openLeaseBench(store: Store = memory({ timers: stillTimers }), accounts: Accounts = openAccounts()): LeaseBench {
  const clock = settableClock()
  const timers = handTimers()
  const random = { bytes: (size: number) => randomBytes(size) }
  const module = lender(() => accounts)
  const bench = openBench(module, { store, clock })
  const mount = (name: string): Mount => ({ ...bench.mount, uuid: `uuid-of-${name}`, path: `${name}/` })
  const bounds = () => bench.ctx().bounds
  const counted = { lent: 0, renewed: 0, takenBack: 0, failed: 0, level: 0 }
  const meter = Object.fromEntries(
    Object.keys(counted).map((name) => [name, () => void counted[name as keyof LeaseMeter]++]),
  ) as unknown as LeaseMeter
  const quotas = openQuotas(store, () => undefined)
  const leases = openLeases({
    store,
    clock,
    random,
    quotas,
    namespaceOf: () => NAMESPACE,
    holderAlive: (tx, hash) => tx.get(`alive/${hash}`) !== undefined,
    mountAlive: (tx, { uuid }) => tx.get(`mounted/${uuid}`) !== undefined,
  })
  const lenderOf = ({ mount: uuid }: { mount: string }) => ({ module, ctx: { ...bench.ctx(), mount: { ...bench.mount, uuid } } })
  const giveBack = openGiveBack({ store, leases, lenderOf, clock, random, timers, log: silent, meter })
  const lend = openLend({ leases, bounds, clock, timers, meter })
  const set = (key: string, value: Buffer | undefined) => store.commit({ ops: [{ key, value }] })
  return {
    store,
    clock,
    timers,
    accounts,
    leases,
    quotas,
    giveBack,
    renew: openRenew({ leases, lenderOf, clock, timers, meter }),
    due: openDue({ store, follower: follow(store), giveBack, clock, timers, log: silent }),
    leave: openLeave({ store, leases, quotas, giveBack, clock, namespaceOf: () => NAMESPACE }),
    counted,
    mount,
    addToken: async (hash) => void (await set(`alive/${hash}`, Buffer.from('x'))),
    async endToken(hash) {
      await set(`alive/${hash}`, undefined)
      await leases.endHeldBy(hash)
    },
    async addMount(name) {
      await set(`mounted/${mount(name).uuid}`, Buffer.from('x'))
      await bench.call('write', 'role/r', { ttl: 600, max_ttl: 3600 })
      return mount(name)
    },
    removeMount: async (name) => void (await set(`mounted/${mount(name).uuid}`, undefined)),
    borrow(at, holder, { plain, latest, ...more } = {}) {
      const name = `v-${randomBytes(8).toString('hex')}`
      const internal = { name, role: 'r', target: '' }
      const act = (term: Parameters<NonNullable<LeaseGrant['act']>>[0]) => accounts.add(name, 'password', term)
      const grant: LeaseGrant = { kind: 'account', ttl: 600, maxTtl: 3600, renewable: true, internal, ...(plain ? {} : { act }), ...more }
      return lend(grant, { mount: mount(at), path: `${at}/creds/r`, holder, latest })
    },
    check: () => [...checkLeases(store, [NAMESPACE])],
  }
}
