// Turns records into the lines of a chain and hands them on in groups: those of one turn of the event loop go out as one.
import { type Clock, type Timers, Torn } from '../base/ports.ts'
import { type Chain, type Head, lineHash, type Occasion } from './chain.ts'
import { bytesOf, type Due, dueFirst, type Group, type Item, wholeLines } from './group.ts'
import type { Out, Sink, SinkState } from './sink.ts'

export interface WriterDeps {
  readonly out: Out
  readonly chain: Chain
  /** Path of the device. */
  readonly device: string
  readonly clock: Clock
  readonly timers: Timers
  /** What is known of the device's chains, for a checkpoint; `tail` ends what was written before this one began. */
  readonly others: (occasion: Occasion, tail: Buffer | undefined) => readonly Head[]
  /** Told of every checkpoint that is written; never rejects. */
  readonly signed: (head: Head) => Promise<void>
}

/** How long after a record it is vouched for by a signature. */
const MARK_MS = 1_000
/** How long an append may take before its records count as refused. */
const DEADLINE_MS = 10_000

/** On a disk that stays full, each try may leave half a line. */
const MAX_HALVES = 100

const nothing = (): void => {}

export class Writer implements Sink {
  readonly #deps: WriterDeps
  #waiting: Item[] = []
  #flushDue = false
  #pending: Promise<void> | undefined
  #late = false
  #stopMark: (() => void) | undefined
  #failing: string | undefined
  #closed = false
  /** An append stopped short, so there may be half a line to tell of. */
  #tore = false
  /** Hashes of half lines that were found, until a checkpoint tells of them; and whether the last one is among them. */
  readonly #halves: string[] = []
  #halfNoted = false
  #signing: Promise<void> = Promise.resolve()

  constructor(deps: WriterDeps) {
    this.#deps = deps
  }

  write(record: string): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('the audit device is closed'))
    if (this.#late) return Promise.reject(new Error('the audit device is blocked'))
    return new Promise((done, failed) => this.#add({ record, done, failed }))
  }

  prove(): Promise<void> {
    return new Promise((done, failed) => this.#add({ record: { occasion: 'mark' }, done, failed }))
  }

  reopen(): void {
    if (this.#closed) return
    if (this.#deps.chain.head.seq > 0 && !this.#pending) this.#checkpoint('mark')
    this.#flush()
    this.#deps.out.reopen?.()
  }

  /** `before` is waited for once the last line is written. */
  async close(before: () => Promise<void> = async () => {}): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopMark?.()
    this.#flush()
    await this.#quiet()
    if (this.#deps.chain.head.seq > 0 || this.#tore) this.#checkpoint('end')
    this.#flush()
    await this.#quiet()
    await before()
    this.#deps.out.close()
    await this.#signing
  }

  state(): SinkState {
    return { failing: this.#failing }
  }

  /** Where nothing is under way this is a mere turn. */
  async #quiet(): Promise<void> {
    while (this.#pending) await this.#pending.catch(nothing)
  }

  #checkpoint(occasion: Occasion): void {
    this.#waiting.push({ record: { occasion }, done: nothing, failed: nothing })
  }

  #add(item: Item): void {
    this.#waiting.push(item)
    if (this.#flushDue || this.#pending) return
    this.#flushDue = true
    void this.#deps.timers.turn().then(() => this.#flush())
  }

  #flush(): void {
    this.#flushDue = false
    if (this.#pending || this.#waiting.length === 0) return
    const items = this.#waiting
    this.#waiting = []
    let group: Group | undefined
    try {
      group = this.#compose(items)
      const pending = this.#deps.out.append(bytesOf(group))
      if (pending) this.#await(pending, group)
      else this.#settle(group, group.lines.length)
    } catch (error) {
      if (group) this.#settle(group, wholeLines(group, error), error)
      else this.#refuse(items, error)
    }
  }

  #compose(items: readonly Item[]): Group {
    const { out, chain } = this.#deps
    const { fresh, torn } = out.ready()
    const before = chain.head
    if (torn && !this.#halfNoted && this.#halves.length < MAX_HALVES) this.#halves.push(lineHash(torn))
    this.#halfNoted = torn !== undefined
    const first = dueFirst(before, fresh, this.#halves)
    try {
      const lines = [...first, ...items].map((item) => ({ bytes: this.#line(item), after: chain.head, item }))
      return { before, torn: torn !== undefined, lines }
    } catch (error) {
      chain.back(before)
      throw error
    }
  }

  #line({ record }: Item): Buffer {
    const { chain, device, clock, others, out } = this.#deps
    if (typeof record === 'string') return chain.link(record)
    const { id } = chain.head
    const known = others(record.occasion, record.occasion === 'open' ? out.tail?.() : undefined).filter((head) => head.id !== id)
    return chain.checkpoint({ ...record, device, others: known, now: clock.now() })
  }

  #await(pending: Promise<void>, group: Group): void {
    const { timers } = this.#deps
    const stop = timers.after(DEADLINE_MS, () => {
      this.#late = true
      this.#refuse([...group.lines.map(({ item }) => item), ...this.#waiting.splice(0)], new Error('the audit device is blocked'))
    })
    const settled = pending.then(
      () => this.#settle(group, group.lines.length),
      (error: unknown) => this.#settle(group, wholeLines(group, error), error),
    )
    this.#pending = settled.finally(() => {
      stop()
      this.#late = false
      this.#pending = undefined
      this.#flush()
    })
  }

  /** The first `kept` lines are there; the others never were. */
  #settle({ before, lines }: Group, kept: number, error?: unknown): void {
    const lost = lines.slice(kept).map(({ item }) => item)
    if (lost.length > 0) this.#deps.chain.back(lines[kept - 1]?.after ?? before)
    this.#tore ||= error instanceof Torn
    if (!(error instanceof Torn) || error.written > 0) this.#halfNoted = false
    this.#failing = undefined
    const promised = !(error instanceof Torn) || error.promised
    for (const { item, after } of lines.slice(0, kept)) {
      if (promised) item.done()
      else this.#refuse([item], error)
      if (typeof item.record !== 'string') this.#signed(item.record, after)
    }
    if (lost.length > 0) this.#refuse(lost, error)
    if (lines.some(({ item }) => typeof item.record === 'string')) this.#markSoon()
  }

  #signed({ torn }: Due, head: Head): void {
    if (torn !== undefined) this.#halves.splice(this.#halves.indexOf(torn), 1)
    this.#signing = this.#vouch(head)
  }

  /** What is vouched for elsewhere shall be on disk here. */
  async #vouch(head: Head): Promise<void> {
    try {
      await this.#deps.out.sync?.()
    } catch (error) {
      return this.#refuse([], error)
    }
    await this.#deps.signed(head)
  }

  #refuse(items: readonly Item[], error: unknown): void {
    this.#failing = error instanceof Error ? error.message : String(error)
    for (const item of items) item.failed(error)
  }

  #markSoon(): void {
    if (this.#closed) return
    this.#stopMark ??= this.#deps.timers.after(MARK_MS, () => {
      this.#stopMark = undefined
      this.#checkpoint('mark')
      this.#flush()
    })
  }
}
