// An audit device as stored, and the table of them: those made through the API and those that the configuration declares.
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Random } from '../base/ports.ts'
import { records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { DeviceType, Options } from './options.ts'

/** What is asked for when a device is enabled. */
export interface DeviceSpec {
  /** Ends in a slash. */
  readonly path: string
  readonly type: DeviceType
  readonly description: string
  readonly options: Options
  readonly local: boolean
}

export interface Device extends DeviceSpec {
  readonly id: string
  /** Hex of the HMAC key. */
  readonly salt: string
  /** The configuration declares it, and only that changes or removes it. */
  readonly declared: boolean
}

export const stored = records<Device>('audit/')
/** Every change of the table touches it, so that two changes can't miss each other. */
export const GUARD = 'audit-guard'
/** How far the chains of devices have come, by the id of the device. */
export const CHAINS = 'audit-chain/'
const SALT_BYTES = 32

export function loadDevices({ store }: Pick<Space, 'store'>): Device[] {
  return stored.ids(store).flatMap((path) => stored.get(store, path) ?? [])
}

export function newDevice(spec: DeviceSpec, declared: boolean, random: Random): Device {
  return { ...spec, id: uuid(random), salt: random.bytes(SALT_BYTES).toString('hex'), declared }
}

/** Throws `invalid` where a device is at, above or below the path. */
export function checkFree(devices: readonly Pick<Device, 'path'>[], path: string): void {
  if (devices.some((one) => one.path.startsWith(path) || path.startsWith(one.path))) throw new Fault('invalid', 'path already in use')
}

export function insert({ store }: Pick<Space, 'store'>, device: Device): Promise<void> {
  return transact(store, (tx) => {
    touch(tx)
    checkFree(loadDevices({ store }), device.path)
    stored.put(tx, device.path, device)
  })
}

export function remove({ store }: Pick<Space, 'store'>, path: string): Promise<void> {
  return transact(store, (tx) => {
    touch(tx)
    const device = stored.get(tx, path)
    if (device) take(tx, device)
  })
}

/** What is kept of its chains goes in the same commit. */
function take(tx: Tx, { path, id }: Device): void {
  stored.delete(tx, path)
  for (const { key } of tx.range({ prefix: `${CHAINS}${id}/` })) {
    tx.get(key)
    tx.delete(key)
  }
}

/** Whether this very device is still enabled. */
export function isEnabled(tx: Tx, { path, id }: Device): boolean {
  return stored.get(tx, path)?.id === id
}

/** What the table must become for the declared devices to be those of the configuration; undefined where it is so already. */
function difference(before: readonly Device[], specs: readonly DeviceSpec[], random: Random): { gone: Device[]; put: Device[] } | undefined {
  const gone = before.filter((device) => device.declared && !specs.some(({ path }) => path === device.path))
  const put = specs.flatMap((spec) => {
    const known = before.find(({ path }) => path === spec.path)
    const wanted = known ? { ...known, ...spec, declared: true } : newDevice(spec, true, random)
    return known && JSON.stringify(known) === JSON.stringify(wanted) ? [] : [wanted]
  })
  return gone.length + put.length > 0 ? { gone, put } : undefined
}

/** A device keeps its salt and chains when the configuration changes its options, or takes over what the API made. */
export async function declare({ store }: Pick<Space, 'store'>, specs: readonly DeviceSpec[], random: Random): Promise<void> {
  await transact(store, (tx) => {
    touch(tx)
    const { gone, put } = difference(loadDevices({ store }), specs, random) ?? { gone: [], put: [] }
    for (const device of gone) take(tx, device)
    for (const device of put) stored.put(tx, device.path, device)
  })
}

export function isDeclared(devices: readonly Device[], specs: readonly DeviceSpec[], random: Random): boolean {
  return difference(devices, specs, random) === undefined
}

function touch(tx: Tx): void {
  tx.get(GUARD)
  tx.put(GUARD, Buffer.alloc(0))
}
