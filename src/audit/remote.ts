// A device whose records go to another process or machine: kept on disk first, shipped from there, and what a killed process left too.
import type { Log } from '../base/log.ts'
import { base62 } from '../base/ids.ts'
import type { Folder, Ports } from '../base/ports.ts'
import type { Device } from './device.ts'
import { framingOf } from './frame.ts'
import type { Remote, Settings, Way } from './options.ts'
import { Shipper } from './shipper.ts'
import { type Backlog, hold, type Held, leftBehind, Spool } from './spool.ts'
import type { Sink, SinkState } from './sink.ts'
import { Writer, type WriterDeps } from './writer.ts'

export type RemoteWay = Extract<Way, { kind: 'socket' | 'syslog' }>

export interface RemoteDeps {
  readonly ports: Pick<Ports, 'clock' | 'timers' | 'random' | 'sockets' | 'host'>
  /** Where spools lie: below it a folder for each device, and in that one for each process. */
  readonly folder: Folder
  readonly log: Log
}

/** Largest records that a datagram holds with what goes before them: of UDP, and of this machine's sockets by default. */
const UDP_BYTES = 65_000
const LOCAL_BYTES = 200_000
const NAME_LENGTH = 16

export class RemoteSink implements Sink {
  readonly #way: RemoteWay
  readonly #deps: RemoteDeps
  readonly #writer: Writer
  readonly #spool: Spool
  readonly #shipper: Shipper

  constructor(device: Device, way: RemoteWay, deps: RemoteDeps, chain: Omit<WriterDeps, 'out'>) {
    this.#way = way
    this.#deps = deps
    this.#spool = new Spool({ hold: () => holdNew(deps, device), limit: way.spoolBytes, more: () => this.#shipper.poke() })
    this.#shipper = shipperOf(this.#spool, device, way, deps)
    this.#writer = new Writer({ ...chain, out: this.#spool })
  }

  async write(record: string): Promise<void> {
    const most = largest(this.#way)
    if (record.length > most / 3 && Buffer.byteLength(record) > most) throw new Error(`a record of more than ${most} bytes fits in no datagram`)
    await this.#writer.write(record)
  }

  async prove(): Promise<void> {
    const { address, timeoutMs } = this.#way
    const outlet = await this.#deps.ports.sockets.connect(address, timeoutMs)
    outlet.close()
    await this.#writer.prove()
  }

  reopen(): void {
    this.#shipper.reconnect()
  }

  /** What is not taken by then waits on disk for whoever comes next. */
  async close(): Promise<void> {
    await this.#writer.close(() => this.#shipper.stop())
  }

  state(): SinkState {
    const { end, taken } = this.#spool
    const { stalled } = this.#shipper
    return { ...this.#writer.state(), stalled: end > taken ? stalled : undefined, spooled: end - taken }
  }
}

function largest({ address }: Remote): number {
  if (address.transport === 'tcp') return Number.POSITIVE_INFINITY
  return address.transport === 'udp' ? UDP_BYTES : LOCAL_BYTES
}

function holdNew({ folder, ports }: RemoteDeps, { id }: Device): Held {
  folder.make(id)
  for (;;) {
    const held = hold(folder, `${id}/${base62(ports.random, NAME_LENGTH)}`)
    if (held) return held // else another process looked into it between its making and its locking
  }
}

function shipperOf(backlog: Backlog, { path }: Device, way: RemoteWay, { ports, log }: RemoteDeps): Shipper {
  return new Shipper({
    ...ports,
    backlog,
    framing: framingOf(way, ports.host),
    connect: () => ports.sockets.connect(way.address, way.timeoutMs),
    timeoutMs: way.timeoutMs,
    tooLarge: (bytes) => log.error('an audit record is larger than a datagram and was not sent', { device: path, bytes }),
  })
}

interface Orphan {
  readonly backlog: Backlog
  readonly shipper: Shipper
}

/** The spools of processes that are gone: their locks are free. One process looks after them at a time. */
export class Orphans {
  readonly #deps: RemoteDeps
  readonly #adopted = new Map<string, Orphan>()

  constructor(deps: RemoteDeps) {
    this.#deps = deps
  }

  /** Ships what is left behind, and removes what belongs to no device any more. */
  sweep(devices: readonly { readonly device: Device; readonly settings: Settings }[]): void {
    const { folder } = this.#deps
    for (const [name, { backlog, shipper }] of this.#adopted) if (backlog.taken === backlog.end) this.#finish(name, backlog, shipper)
    for (const id of folder.list()) {
      const known = devices.find(({ device }) => device.id === id)
      const way = known?.settings.way
      for (const child of folder.list(id))
        this.#look(`${id}/${child}`, known?.device, way?.kind === 'socket' || way?.kind === 'syslog' ? way : undefined)
      if (!known && folder.list(id).length === 0) folder.remove(id)
    }
  }

  async close(): Promise<void> {
    const all = [...this.#adopted.values()]
    this.#adopted.clear()
    await Promise.allSettled(
      all.map(async ({ backlog, shipper }) => {
        await shipper.stop()
        backlog.close()
      }),
    )
  }

  #look(name: string, device: Device | undefined, way: RemoteWay | undefined): void {
    const { folder, log } = this.#deps
    if (this.#adopted.has(name)) return
    const held = hold(folder, name)
    if (!held) return
    const backlog = leftBehind(held)
    const bytes = backlog.end - backlog.taken
    if (device && way && bytes > 0) {
      const shipper = shipperOf(backlog, device, way, this.#deps)
      this.#adopted.set(name, { backlog, shipper })
      shipper.poke()
      return
    }
    if (bytes > 0) log.warn('audit records of a device that was disabled were not sent', { spool: name, bytes })
    folder.remove(name)
    held.release()
  }

  #finish(name: string, backlog: Backlog, shipper: Shipper): void {
    this.#adopted.delete(name)
    void shipper
      .stop()
      .then(() => backlog.close())
      .catch((error: unknown) => this.#deps.log.error('an empty spool could not be removed', { spool: name }, error))
  }
}
