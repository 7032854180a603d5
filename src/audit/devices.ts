// The audit devices of the server: which are enabled, and the rule that a record reaches at least one of them.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Space } from '../store/space.ts'
import { checkFree, declare, type Device, type DeviceSpec, insert, isDeclared, loadDevices, newDevice, remove } from './device.ts'
import type { Facts } from './filter.ts'
import type { Hasher } from './hasher.ts'
import { type DeviceHealth, type Live, LiveDevices, type OpenSink } from './live.ts'
import type { AuditMeter, RecordKind } from './meter.ts'
import { parseOptions, type Way } from './options.ts'

export interface Devices {
  list(): readonly Device[]
  /** Tries the device first, and throws `invalid` where it can't be written. Resolves to warnings. */
  enable(spec: DeviceSpec): Promise<readonly string[]>
  disable(path: string): Promise<void>
  /** What a text looks like in this device's records. */
  hash(path: string, text: string): string
  /** Writes a record to every device that takes it; rejects unless one kept it. Resolves at once where no device is for it. */
  record(kind: RecordKind, facts: () => Facts, make: (hasher: Hasher) => string): Promise<void>
  health(): readonly DeviceHealth[]
  live(): readonly Live[]
  reopen(): void
  close(): Promise<void>
}

export interface DevicesDeps {
  readonly space: Space
  readonly clock: Pick<Clock, 'monotonic'>
  readonly random: Random
  readonly log: Log
  readonly meter: AuditMeter
  readonly open: OpenSink
  /** Devices that the configuration declares. */
  readonly declared: readonly DeviceSpec[]
  /** Whether others may be enabled through the API. */
  readonly apiCreation: boolean
  /** Called before a device is made: what all of them need. */
  readonly prepare: () => Promise<void>
  /** Called after a device was removed, for what others wrote of it meanwhile. */
  readonly removed: (device: Device) => Promise<void>
}

export function openDevices(deps: DevicesDeps): Devices {
  const { space, meter } = deps
  const live = new LiveDevices(deps.open, deps.log)
  const table = space.cache('audit/', () => {
    const devices = loadDevices(space)
    live.settle(devices)
    return devices
  })
  const settled = settling(deps)

  async function record(kind: RecordKind, facts: () => Facts, make: (hasher: Hasher) => string): Promise<void> {
    const waiting = settled()
    if (waiting) await waiting
    table()
    const takers = live.takers(facts)
    if (takers.length === 0) {
      if (live.all.length > 0) meter.missed()
      return
    }
    const from = deps.clock.monotonic()
    const kept = await anyKept(takers, make, meter)
    meter.recorded(kind, kept, deps.clock.monotonic() - from)
    if (!kept) throw new Fault('internal', 'internal error')
  }

  return {
    list: table,
    record,
    async enable(spec) {
      await enable(deps, live, table(), spec)
      table()
      return live.all.every(({ settings }) => settings.filter) ? [NOT_ALL] : []
    },
    async disable(path) {
      const device = table().find((one) => one.path === path)
      if (!device) return
      if (device.declared) throw new Fault('invalid', 'cannot disable configuration-managed audit device')
      await remove(space, path)
      await deps.removed(device)
    },
    hash(path, text) {
      table()
      const device = live.all.find((one) => one.device.path === path)
      if (!device) throw new Fault('invalid', `unknown audit backend ${JSON.stringify(path)}`)
      return device.hasher.text(text)
    },
    live() {
      table()
      return live.all
    },
    health() {
      table()
      return live.health()
    },
    reopen: () => live.reopen(),
    close: () => live.close(),
  }
}

const NOT_ALL = 'Every enabled audit device has a filter, and none is the fallback: requests that no filter takes are not recorded'

/** Every device gets its chance; one that keeps the record is enough. */
async function anyKept(takers: readonly Live[], make: (hasher: Hasher) => string, meter: AuditMeter): Promise<boolean> {
  const results = await Promise.allSettled(takers.map(({ sink, hasher }) => sink.write(make(hasher))))
  for (const [at, result] of results.entries()) {
    const device = takers[at] as Live
    device.report(result.status === 'rejected' ? result.reason : undefined)
    if (result.status === 'rejected') meter.deviceFailed(device.device.path)
  }
  return results.some(({ status }) => status === 'fulfilled')
}

/** What must be waited for until the table is that of the configuration. */
function settling(deps: DevicesDeps): () => Promise<void> | undefined {
  const { space, declared, random } = deps
  let done = isDeclared(loadDevices(space), declared, random)
  let pending: Promise<void> | undefined

  async function settle(): Promise<void> {
    try {
      await deps.prepare()
      const gone = loadDevices(space).filter((device) => device.declared && !declared.some(({ path }) => path === device.path))
      await declare(space, declared, random)
      for (const device of gone) await deps.removed(device)
      done = true
    } finally {
      pending = undefined
    }
  }

  return () => (done ? undefined : (pending ??= settle()))
}

async function enable(deps: DevicesDeps, live: LiveDevices, devices: readonly Device[], spec: DeviceSpec): Promise<void> {
  if (!deps.apiCreation) throw new Fault('invalid', 'audit devices cannot be enabled through the API here; declare them in the configuration')
  const settings = parseOptions(spec.type, spec.options)
  if (settings.showing.raw) throw new Fault('invalid', 'log_raw shows secrets in clear; only a device of the configuration may have it')
  checkFree(devices, spec.path)
  await deps.prepare()
  const device = newDevice(spec, false, deps.random)
  const sink = deps.open(device, settings)
  try {
    if (!settings.skipTest) await sink.prove()
    live.adopt(device, settings, sink)
    await insert(deps.space, device)
  } catch (error) {
    live.settle(devices)
    await sink.close()
    throw error instanceof Fault ? error : new Fault('invalid', `${failedTest(settings.way)}: ${(error as Error).message}`)
  }
}

function failedTest(way: Way): string {
  return way.kind === 'file' ? `sanity check failed; unable to open ${JSON.stringify(way.path)} for writing` : 'audit backend failed test message'
}
