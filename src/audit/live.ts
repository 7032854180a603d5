// The devices of this process as they are in use: each with its way out, opened when it is first seen, closed when it is gone.
import type { Log } from '../base/log.ts'
import type { Device } from './device.ts'
import type { Facts } from './filter.ts'
import { type Hasher, openHasher } from './hasher.ts'
import { parseOptions, type Settings } from './options.ts'
import type { Sink, SinkState } from './sink.ts'

export interface Live {
  readonly device: Device
  readonly settings: Settings
  readonly sink: Sink
  readonly hasher: Hasher
  /** Tells the log when it begins to fail and when it works again, and not with every record. */
  report(error: unknown): void
}

export type OpenSink = (device: Device, settings: Settings) => Sink

export interface DeviceHealth extends SinkState {
  readonly path: string
  readonly type: string
}

export class LiveDevices {
  readonly #open: OpenSink
  readonly #log: Log
  readonly #live = new Map<string, Live>()
  #all: readonly Live[] = []
  #filtered = false

  constructor(open: OpenSink, log: Log) {
    this.#open = open
    this.#log = log
  }

  /** Opens what is new, closes what is gone, keeps the rest. */
  settle(devices: readonly Device[]): void {
    const keys = new Map(devices.map((device) => [keyOf(device), device]))
    for (const [key, { sink }] of this.#live) {
      if (keys.has(key)) continue
      this.#live.delete(key)
      void sink.close().catch((error: unknown) => this.#log.error('an audit device could not be closed', {}, error))
    }
    for (const [key, device] of keys) if (!this.#live.has(key)) this.#live.set(key, this.#start(device))
    this.#all = [...keys.keys()].flatMap((key) => this.#live.get(key) ?? [])
    this.#filtered = this.#all.some(({ settings }) => settings.filter || settings.fallback)
  }

  get all(): readonly Live[] {
    return this.#all
  }

  /** Those that a record of these facts is for. */
  takers(factsOf: () => Facts): readonly Live[] {
    if (!this.#filtered) return this.#all
    const facts = factsOf()
    const takers = this.#all.filter(({ settings }) => !settings.fallback && (settings.filter?.(facts) ?? true))
    return takers.length > 0 ? takers : this.#all.filter(({ settings }) => settings.fallback)
  }

  /** Takes a sink that was opened to try it, so that the device goes on with it. */
  adopt(device: Device, settings: Settings, sink: Sink): void {
    this.#live.set(keyOf(device), this.#wrap(device, settings, sink))
  }

  health(): DeviceHealth[] {
    return this.#all.map(({ device, sink }) => ({ path: device.path, type: device.type, ...sink.state() }))
  }

  reopen(): void {
    for (const { sink } of this.#live.values()) sink.reopen()
  }

  async close(): Promise<void> {
    const sinks = [...this.#live.values()]
    this.#live.clear()
    this.#all = []
    await Promise.allSettled(sinks.map(({ sink }) => sink.close()))
  }

  #start(device: Device): Live {
    const settings = parseOptions(device.type, device.options)
    return this.#wrap(device, settings, this.#open(device, settings))
  }

  #wrap(device: Device, settings: Settings, sink: Sink): Live {
    const log = this.#log.with({ device: device.path })
    let down = false
    return {
      device,
      settings,
      sink,
      hasher: openHasher(device.salt, settings.showing),
      report(error) {
        if (error !== undefined && !down) log.error('an audit device fails', {}, error)
        if (error === undefined && down) log.info('an audit device works again')
        down = error !== undefined
      },
    }
  }
}

/** A device whose options changed is another one. */
function keyOf({ id, options }: Device): string {
  return `${id} ${JSON.stringify(options)}`
}
