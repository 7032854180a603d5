// Sends the lines of a backlog to a remote sink, in order, again after every break, until the other side has taken them.
import type { Clock, Outlet, Timers } from '../base/ports.ts'
import type { Framing } from './frame.ts'
import { linesOf } from './split.ts'
import type { Backlog } from './spool.ts'

export interface ShipperDeps {
  readonly backlog: Backlog
  readonly framing: Framing
  readonly connect: () => Promise<Outlet>
  readonly clock: Pick<Clock, 'monotonic'>
  readonly timers: Timers
  /** How long the other side may take before it counts as stalled. */
  readonly timeoutMs: number
  /** A line that no datagram can hold is left out, and told here. */
  readonly tooLarge: (bytes: number) => void
}

/** What is on its way: once the other side has so many bytes of the stream, all lines before `place` are taken. */
interface Sent {
  readonly streamed: number
  readonly place: number
}

/** A daemon of this machine may have room again in no time; each wait in vain doubles the next. */
const FIRST_WAIT_MS = 1
const LONGEST_WAIT_MS = 5_000
/** How often it is asked how much the other side has confirmed. */
const CONFIRM_MS = 50
/** A connection that takes nothing for so many timeouts is given up for another. */
const GIVE_UP_AFTER = 15
/** The system's ways to say that a datagram's peer is only slow. */
const SLOW: ReadonlySet<unknown> = new Set(['EAGAIN', 'ENOBUFS'])

export class Shipper {
  readonly #deps: ShipperDeps
  #outlet: Outlet | undefined
  #sent: Sent[] = []
  #streamed = 0
  #place: number
  #stalled: string | undefined
  #stopped = false
  #running: Promise<void> | undefined
  #progressAt = 0
  readonly #pausing = new Set<() => void>()

  constructor(deps: ShipperDeps) {
    this.#deps = deps
    this.#place = deps.backlog.taken
  }

  /** Why nothing is taken, while there is something to take. */
  get stalled(): string | undefined {
    return this.#stalled
  }

  /** There is more to send. */
  poke(): void {
    if (this.#stopped) return
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      if (this.#isBehind()) this.poke() // it came while the last run was ending
    })
    this.#wake()
  }

  /** Connects anew for what comes next. */
  reconnect(): void {
    this.#outlet?.close()
    this.#lose()
  }

  /** Gives what waits one more chance, where there is a connection, and ends. */
  async stop(): Promise<void> {
    const until = this.#deps.clock.monotonic() + this.#deps.timeoutMs
    while (this.#outlet && this.#isBehind() && !this.#stalled && this.#deps.clock.monotonic() < until) await this.#pause(CONFIRM_MS)
    this.#stopped = true
    this.#wake()
    this.#outlet?.close()
    this.#lose()
    await this.#running
  }

  #isBehind(): boolean {
    const { backlog } = this.#deps
    return backlog.taken < backlog.end
  }

  async #run(): Promise<void> {
    let wait = FIRST_WAIT_MS
    while (!this.#stopped && this.#isBehind()) {
      const before = this.#place
      try {
        this.#outlet ??= await this.#connect()
        await this.#step(this.#outlet)
        wait = FIRST_WAIT_MS
        this.#stalled = undefined
      } catch (error) {
        this.#stalled = error instanceof Error ? error.message : String(error)
        if (this.#stopped) return
        if (this.#place > before) wait = FIRST_WAIT_MS
        await this.#pause(wait)
        wait = Math.min(wait * 2, LONGEST_WAIT_MS)
      }
    }
  }

  async #connect(): Promise<Outlet> {
    const outlet = await this.#deps.connect()
    this.#streamed = 0
    this.#progressAt = this.#deps.clock.monotonic()
    outlet.onGone(() => {
      if (this.#outlet === outlet) this.#lose()
    })
    return outlet
  }

  /** What was not confirmed is sent again. */
  #lose(): void {
    this.#outlet = undefined
    this.#sent = []
    this.#place = this.#deps.backlog.taken
    this.#wake()
  }

  async #step(outlet: Outlet): Promise<void> {
    const lines = this.#deps.backlog.read(this.#place)
    if (lines.length > 0) await (outlet.datagrams ? this.#sendEach(outlet, lines) : this.#stream(outlet, lines))
    this.#confirm(outlet)
    if (lines.length === 0 && this.#isBehind()) await this.#await(outlet)
  }

  /** All is sent, and some of it not confirmed. */
  async #await(outlet: Outlet): Promise<void> {
    const { clock, timeoutMs } = this.#deps
    await this.#pause(CONFIRM_MS)
    const idle = clock.monotonic() - this.#progressAt
    if (idle > timeoutMs * GIVE_UP_AFTER) outlet.close()
    if (idle > timeoutMs) throw new Error('the other side confirms nothing')
  }

  async #sendEach(outlet: Outlet, lines: Buffer): Promise<void> {
    const { framing, backlog, tooLarge } = this.#deps
    for (const line of linesOf(lines)) {
      try {
        if (line.length > 0) await outlet.send(framing.datagram(line))
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        if (code !== 'EMSGSIZE') {
          if (!SLOW.has(code)) this.reconnect()
          throw error
        }
        tooLarge(line.length)
      }
      this.#place += line.length + 1
      backlog.take(this.#place)
    }
  }

  async #stream(outlet: Outlet, lines: Buffer): Promise<void> {
    const { framing } = this.#deps
    const messages = Array.from(linesOf(lines)).flatMap((line) => (line.length > 0 ? [framing.stream(line)] : []))
    const bytes = Buffer.concat(messages)
    const place = this.#place + lines.length
    await this.#inTime(outlet, outlet.send(bytes))
    if (this.#outlet !== outlet) throw new Error('the connection was lost')
    this.#place = place
    this.#progressAt = this.#deps.clock.monotonic()
    this.#streamed += bytes.length
    this.#sent.push({ streamed: this.#streamed, place })
  }

  /** Says so when the other side is late, and gives up on it only much later: it may just be slow. */
  async #inTime(outlet: Outlet, sending: Promise<void>): Promise<void> {
    const { timers, timeoutMs } = this.#deps
    const stopSaying = timers.after(timeoutMs, () => {
      this.#stalled = 'the other side takes nothing'
    })
    const stopWaiting = timers.after(timeoutMs * GIVE_UP_AFTER, () => outlet.close())
    try {
      await sending
    } finally {
      stopSaying()
      stopWaiting()
    }
  }

  #confirm(outlet: Outlet): void {
    if (this.#outlet !== outlet) return
    const arrived = this.#streamed - outlet.unconfirmed()
    const confirmed = this.#sent.findLast(({ streamed }) => streamed <= arrived)
    if (!confirmed) return
    this.#progressAt = this.#deps.clock.monotonic()
    this.#sent = this.#sent.filter(({ streamed }) => streamed > arrived)
    this.#deps.backlog.take(confirmed.place)
  }

  /** Until so many milliseconds have passed, or something happened. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        cancel()
        this.#pausing.delete(wake)
        resolve()
      }
      const cancel = this.#deps.timers.after(ms, wake)
      this.#pausing.add(wake)
    })
  }

  #wake(): void {
    for (const wake of [...this.#pausing]) wake()
  }
}
