// Lines on this machine's disk until a remote sink has taken them: written by one process, in segments that go as they are shipped.
import { type AppendFile, type Folder, Torn } from '../base/ports.ts'
import { readLink } from './line.ts'
import { appendSynced } from './synced.ts'
import type { Out, Ready } from './sink.ts'

/** Where lines wait to be shipped. Places are bytes since the spool began. */
export interface Backlog {
  /** The place after the last line that may be shipped. */
  readonly end: number
  /** The place up to which all was taken. */
  readonly taken: number
  /** Whole lines from a place on, each with its end: some of them, and at least one where there is one. */
  read(from: number): Buffer
  /** All before this place was taken; it is forgotten. */
  take(place: number): void
  /** Lets go of the files, and of the spool itself where nothing is left in it. */
  close(): void
}

/** When a segment is full, the next one is begun. */
const SEGMENT_BYTES = 4 << 20
const READ_BYTES = 64 << 10
const DIGITS = 16
const NEWLINE = 0x0a
const SEGMENT = /^(\d{16})\.lines$/
const TAKEN = 'taken'
const LOCK = 'lock'

interface Segment {
  readonly start: number
  readonly name: string
}

/** A folder below another, that is held against other processes. */
export interface Held {
  readonly folder: Folder
  readonly name: string
  readonly release: () => void
}

/** Undefined where another process holds it. */
export function hold(folder: Folder, name: string): Held | undefined {
  folder.make(name)
  const release = folder.lock(`${name}/${LOCK}`)
  return release && { folder, name, release }
}

/** What a spool has on disk: the one that is written, and one that was left behind. */
class Segments implements Backlog {
  readonly #held: Held
  readonly #segments: Segment[]
  #reading: { readonly segment: Segment; readonly file: AppendFile } | undefined
  #end: number
  #taken: number
  #saved: number

  constructor(held: Held) {
    this.#held = held
    const starts = held.folder.list(held.name).flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
    this.#segments = starts.map((digits) => ({ start: Number(digits), name: `${held.name}/${digits}.lines` }))
    const [first] = this.#segments
    this.#saved = Math.max(first?.start ?? 0, Number(held.folder.readText(`${held.name}/${TAKEN}`)) || 0)
    this.#taken = this.#saved
    this.#end = this.#taken
  }

  get end(): number {
    return this.#end
  }

  get taken(): number {
    return this.#taken
  }

  /** Lines up to here are on disk. */
  extend(end: number): void {
    this.#end = end
  }

  begin(start: number): AppendFile {
    const segment = { start, name: `${this.#held.name}/${String(start).padStart(DIGITS, '0')}.lines` }
    const file = this.#held.folder.open(segment.name)
    this.#segments.push(segment)
    return file
  }

  /** Where the last segment ends; half a line that was never promised is left out. */
  recover(): void {
    const last = this.#segments.at(-1)
    if (!last) return
    const file = this.#held.folder.open(last.name)
    const { size } = file.state()
    const bytes = file.read(0, size)
    const rest = bytes.subarray(bytes.lastIndexOf(NEWLINE) + 1)
    if (rest.length > 0 && readLink(rest)) {
      file.append(Buffer.of(NEWLINE)) // whole but for its end, so it may have been promised
      this.#end = last.start + size + 1
    } else this.#end = last.start + size - rest.length
    file.close()
    if (this.#taken > this.#end) this.#taken = last.start
  }

  read(from: number): Buffer {
    const segment = this.#segments.findLast(({ start }) => start <= from)
    if (!segment || from >= this.#end) return Buffer.alloc(0)
    const next = this.#segments[this.#segments.indexOf(segment) + 1]
    const until = Math.min(this.#end, next?.start ?? Number.POSITIVE_INFINITY)
    const file = this.#open(segment)
    for (let size = READ_BYTES; ; size *= 2) {
      const bytes = file.read(from - segment.start, Math.min(size, until - from))
      const lines = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1)
      if (lines.length > 0 || bytes.length < size) return lines
    }
  }

  take(place: number): void {
    if (place <= this.#taken) return
    this.#taken = place
    while (this.#segments.length > 1 && (this.#segments[1] as Segment).start <= place) this.#drop(this.#segments.shift() as Segment)
    if (place === this.#end || place - this.#saved >= READ_BYTES) this.#save()
  }

  close(): void {
    this.#reading?.file.close()
    this.#reading = undefined
    if (this.#taken === this.#end) this.#held.folder.remove(this.#held.name)
    else this.#save()
    this.#held.release()
  }

  #open(segment: Segment): AppendFile {
    if (this.#reading?.segment === segment) return this.#reading.file
    this.#reading?.file.close()
    const file = this.#held.folder.open(segment.name)
    this.#reading = { segment, file }
    return file
  }

  #drop(segment: Segment): void {
    if (this.#reading?.segment === segment) {
      this.#reading.file.close()
      this.#reading = undefined
    }
    this.#held.folder.remove(segment.name)
  }

  /** Where this is old after a crash, lines are shipped again, which their numbers tell. */
  #save(): void {
    if (this.#saved === this.#taken) return
    this.#saved = this.#taken
    this.#held.folder.writeText(`${this.#held.name}/${TAKEN}`, String(this.#taken))
  }
}

/** What a process that is gone left in its spool. */
export function leftBehind(held: Held): Backlog {
  const segments = new Segments(held)
  segments.recover()
  return segments
}

export interface SpoolDeps {
  readonly hold: () => Held
  /** Bytes that may wait. */
  readonly limit: number
  /** Told when lines came. */
  readonly more: () => void
}

/** A spool of this process, as something to write lines to. A line counts as written when it is on disk. */
export class Spool implements Out, Backlog {
  readonly #deps: SpoolDeps
  #segments: Segments | undefined
  #file: { readonly file: AppendFile; readonly start: number } | undefined
  #size = 0
  #torn = false

  constructor(deps: SpoolDeps) {
    this.#deps = deps
  }

  get end(): number {
    return this.#segments?.end ?? 0
  }

  get taken(): number {
    return this.#segments?.taken ?? 0
  }

  read(from: number): Buffer {
    return this.#segments?.read(from) ?? Buffer.alloc(0)
  }

  take(place: number): void {
    this.#segments?.take(place)
  }

  ready(): Ready {
    if (this.end - this.taken >= this.#deps.limit) throw new Error(`the spool is full: ${this.end - this.taken} bytes wait to be taken`)
    const segments = (this.#segments ??= new Segments(this.#deps.hold()))
    if (this.#file && !this.#torn && this.#size >= SEGMENT_BYTES) this.#leave()
    const { file } = (this.#file ??= { file: segments.begin(segments.end), start: segments.end })
    const torn = this.#torn ? halfLine(file) : undefined
    return { fresh: false, torn }
  }

  async append(bytes: Buffer): Promise<void> {
    const { file, start } = this.#file as { file: AppendFile; start: number }
    try {
      await appendSynced(file, bytes)
      this.#torn = false
    } catch (error) {
      this.#torn ||= error instanceof Torn && error.written > 0 && error.written < bytes.length
      throw error
    } finally {
      this.#size = file.state().size
      this.#segments?.extend(start + this.#size - (this.#torn ? (halfLine(file)?.length ?? 0) : 0))
      this.#deps.more()
    }
  }

  close(): void {
    this.#leave()
    this.#segments?.close()
    this.#segments = undefined
  }

  #leave(): void {
    this.#file?.file.close()
    this.#file = undefined
    this.#size = 0
  }
}

function halfLine(file: AppendFile): Buffer | undefined {
  const { size } = file.state()
  const bytes = file.read(0, size)
  const rest = bytes.subarray(bytes.lastIndexOf(NEWLINE) + 1)
  return rest.length > 0 ? rest : undefined
}
