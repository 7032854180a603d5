// A mount leaves: all it lent ends with it and is taken back, and its data stays for as long as that takes.
import type { Clock } from '../base/ports.ts'
import type { Mount } from '../contract/mount.ts'
import { records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import type { GiveBack } from './give-back.ts'
import type { Leases } from './leases.ts'
import { forEach } from './pool.ts'
import type { Quotas } from './quotas.ts'
import { CLAIM_MS } from './times.ts'

export interface LeaveDeps {
  /** Behind the barrier, whole. */
  readonly store: Store
  readonly leases: Leases
  readonly quotas: Quotas
  readonly giveBack: GiveBack
  readonly clock: Clock
  /** The id of the namespace that a mount is in. */
  readonly namespaceOf: (mount: Mount) => string
}

/**
 * To be called once the mount takes no requests any more, and again until nothing is out: ends its leases and resolves to how many
 * are still out. Where somebody waits they are taken back here and now, as far as the target and a few seconds allow.
 */
export type Leave = (mount: Mount, awaited: boolean) => Promise<number>

/** Mounts whose leases have all been ended, so that nothing is looked through twice. */
const left = records<true>('lease-left/')

const WIDTH = 16
const PATIENCE_MS = 20_000

export function openLeave(deps: LeaveDeps): Leave {
  const { store, leases, quotas, namespaceOf } = deps
  return async (mount, awaited) => {
    const { uuid } = mount
    const namespace = namespaceOf(mount)
    if (leases.count({ namespace, mount: uuid }) > 0) {
      if (!left.get(store, uuid)) await endAll(deps, uuid, awaited)
      if (awaited) await takeBack(deps, uuid)
    }
    const out = leases.count({ namespace, mount: uuid })
    if (out === 0) {
      // One that moves keeps its quotas.
      if (mount.moving === undefined) await quotas.dropOf(uuid)
      await transact(store, (tx) => {
        if (left.get(tx, uuid)) left.delete(tx, uuid)
      })
    }
    return out
  }
}

async function endAll({ store, leases, clock }: LeaveDeps, uuid: string, awaited: boolean): Promise<void> {
  for (let ids = leases.ofMount(uuid); ids.length > 0; ids = leases.ofMount(uuid, ids.at(-1))) {
    await leases.end(ids, clock.now() + (awaited ? CLAIM_MS : 0))
  }
  await transact(store, (tx) => left.put(tx, uuid, true))
}

/** Stops at the first that can't be taken back: the due work tries those again. */
async function takeBack({ leases, giveBack, clock }: LeaveDeps, uuid: string): Promise<void> {
  const until = clock.monotonic() + PATIENCE_MS
  let going = true
  for (let ids = leases.ofMount(uuid); ids.length > 0 && going; ids = leases.ofMount(uuid, ids.at(-1))) {
    await forEach(ids, WIDTH, async (id) => {
      if (going) going = !(await giveBack(id)) && clock.monotonic() < until
    })
  }
}
