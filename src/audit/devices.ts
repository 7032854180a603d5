// The audit devices of the server: which are enabled, and the rule that a record reaches at least one of them.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/ports.ts'
import { records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact } from '../store/transact.ts'
import type { Sink } from './file.ts'
import { openHasher } from './hasher.ts'
import type { Hasher } from './record.ts'

/** A device as stored. */
export interface Device {
  /** Ends in a slash. */
  readonly path: string
  readonly type: 'file'
  readonly description: string
  readonly options: Readonly<Record<string, string>>
  readonly local: boolean
  /** Hex of the HMAC key. */
  readonly salt: string
}

export interface Devices {
  list(): readonly Device[]
  enable(device: Omit<Device, 'salt'>): Promise<void>
  disable(path: string): Promise<void>
  /** What a text looks like in this device's records. */
  hash(path: string, text: string): string
  /** Writes a line to every device; rejects unless one took it. Resolves at once where no device is enabled. */
  record(make: (hasher: Hasher) => string): Promise<void>
  reopen(): void
  close(): void
}

export interface DevicesDeps {
  readonly space: Space
  readonly random: Random
  readonly log: Log
  readonly open: (device: Device) => Sink
  /** Told of every record that no device took. */
  readonly failed: () => void
}

interface Live {
  readonly device: Device
  readonly sink: Sink
  readonly hasher: Hasher
}

const stored = records<Device>('audit/')

export function openDevices({ space, random, log, open, failed }: DevicesDeps): Devices {
  const { store } = space
  const sinks = new Map<string, Live>()
  const live = space.cache('audit/', () => settle(sinks, load(space), open))

  async function record(make: (hasher: Hasher) => string): Promise<void> {
    const devices = live()
    const results = await Promise.allSettled(devices.map(({ sink, hasher }) => sink.write(`${make(hasher)}\n`)))
    const refused = results.filter((result) => result.status === 'rejected')
    for (const { reason } of refused) log.error('an audit device failed', {}, reason)
    if (devices.length > 0 && refused.length === devices.length) {
      failed()
      throw new Fault('internal', 'internal error')
    }
  }

  return {
    list: () => live().map(({ device }) => device),
    async enable(device) {
      const made: Device = { ...device, salt: random.bytes(32).toString('hex') }
      await prove(open(made))
      await transact(store, (tx) => {
        if (stored.get(tx, device.path)) throw new Fault('invalid', 'path already in use')
        stored.put(tx, device.path, made)
      })
    },
    disable: (path) => transact(store, (tx) => stored.delete(tx, path)),
    hash(path, text) {
      const device = live().find((one) => one.device.path === path)
      if (!device) throw new Fault('invalid', `unknown audit backend: ${path}`)
      return device.hasher.text(text)
    },
    record,
    reopen: () => live().forEach(({ sink }) => sink.reopen()),
    close: () => sinks.forEach(({ sink }) => sink.close()),
  }
}

function load(space: Space): Device[] {
  return stored.ids(space.store).flatMap((path) => stored.get(space.store, path) ?? [])
}

/** Opens what is new, closes what is gone, keeps the rest. */
function settle(sinks: Map<string, Live>, devices: readonly Device[], open: (device: Device) => Sink): Live[] {
  const salts = new Set(devices.map((device) => device.salt))
  for (const [salt, { sink }] of sinks) {
    if (salts.has(salt)) continue
    sink.close()
    sinks.delete(salt)
  }
  for (const device of devices) {
    if (sinks.has(device.salt)) continue
    sinks.set(device.salt, { device, sink: open(device), hasher: openHasher(device.salt) })
  }
  return devices.flatMap((device) => sinks.get(device.salt) ?? [])
}

/** A device that can't be written is refused when it is enabled, not at the next request. */
async function prove(sink: Sink): Promise<void> {
  try {
    await sink.write('')
  } catch (error) {
    throw new Fault('invalid', `sanity check failed; unable to open the file for writing: ${(error as NodeJS.ErrnoException).code ?? 'error'}`)
  } finally {
    sink.close()
  }
}
