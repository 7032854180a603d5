// Looks for half states among audit devices: chains of none, devices that no chain can vouch for.
import { Fault } from '../base/fault.ts'
import { checkIndexed } from '../store/check-index.ts'
import type { Store } from '../store/store.ts'
import { SEED } from './chain-key.ts'
import { CHAINS, checkFree, type Device, GUARD, loadDevices, stored } from './device.ts'

/** What is wrong, one line each. `store` is the root's part of it, and must not change meanwhile. */
export function* checkAudit(store: Store): Generator<string> {
  yield* checkIndexed(store, { records: stored, idOf: ({ path }) => path, indexes: () => [], folders: [] })
  const devices = loadDevices({ store })
  for (const [at, device] of devices.entries()) yield* clash(devices.slice(0, at), device)
  if (devices.length > 0) for (const key of [SEED, GUARD]) if (!store.get(key)) yield `${key} is missing`
  const ids = new Set(devices.map(({ id }) => id))
  for (const key of store.keys({ prefix: CHAINS })) {
    const [id = ''] = key.slice(CHAINS.length).split('/', 1)
    if (!ids.has(id)) yield `${key} is of no audit device`
  }
}

function* clash(before: readonly Device[], { path, id }: Device): Generator<string> {
  if (before.some((one) => one.id === id)) yield `the audit device ${path} has the id of another`
  try {
    checkFree(before, path)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    yield `the audit device ${path} is above or below another`
  }
}
