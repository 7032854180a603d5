// Reads a written log and says where its chains do not hold: lines altered, removed, added, moved, repeated or cut off.
import type { KeyObject } from 'node:crypto'
import { isSignature } from '../crypto/signature.ts'
import { type Head, lineHash, SIGNED_AS } from './chain.ts'
import { type Link, readLink } from './line.ts'

/** Where a line stands. */
export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
}

export interface Finding {
  /** Undefined for what concerns the log as a whole. */
  readonly at: Place | undefined
  readonly text: string
}

export interface ChainReport {
  readonly id: string
  readonly device: string
  readonly lines: number
  readonly first: number
  readonly last: number
  /** The last line that a signature vouches for, itself or by what follows it. */
  readonly vouched: number
  /** It ended in good order: nothing can follow. */
  readonly ended: boolean
}

export interface Report {
  readonly lines: number
  readonly chains: readonly ChainReport[]
  readonly findings: readonly Finding[]
  /** What could not be decided from these files alone. */
  readonly notes: readonly string[]
}

export interface VerifyOptions {
  readonly key: { readonly id: string; readonly key: KeyObject }
  /** How far chains had come by the server's own word: none may end sooner. */
  readonly heads?: readonly Head[]
  /** The files hold the log from its very beginning. */
  readonly complete?: boolean
}

/** What is known of a chain while its lines are read. */
interface Walk {
  readonly id: string
  readonly start: Place
  readonly first: number
  device: string
  lines: number
  last: number
  hash: string
  lastAt: Place
  vouched: number
  ended: boolean
  /** Hashes of the newest lines by number, to compare with what other chains say of them. */
  readonly recent: Map<number, string>
}

interface Claim extends Head {
  readonly at: Place | undefined
  /** It stands at the beginning of a file, where chains of earlier files are spoken of too. */
  readonly opening: boolean
}

/** Lines of a chain whose hashes are kept. What one chain says of another is at most about a minute old. */
const RECENT = 65_536
/** A log that was rewritten as a whole has a finding for each line; nobody reads on after this many. */
const MAX_FINDINGS = 1_000

export class Verifier {
  readonly #options: VerifyOptions
  readonly #chains = new Map<string, Walk>()
  readonly #claims = new Map<string, Claim[]>()
  readonly #findings: Finding[] = []
  /** Lines of no chain. A process that is killed, or a disk that is full, may leave half a line; whoever writes next vouches for that. */
  readonly #strays: { readonly at: Place; readonly hash: string; readonly text: string }[] = []
  readonly #mended = new Map<string, number>()
  #found = 0
  #lines = 0

  constructor(options: VerifyOptions) {
    this.#options = options
  }

  /** In the order of the files and lines; `ended` is false for a last line that has no end. */
  read(line: Buffer, at: Place, ended = true): void {
    if (line.length === 0) return
    this.#lines++
    const link = ended ? readLink(line) : undefined
    if (!link)
      return void this.#strays.push({
        at,
        hash: lineHash(line),
        text: ended ? 'is no line of a chain: it was altered, cut or added' : 'has no end: it was cut',
      })
    const walk = this.#chains.get(link.id) ?? this.#begin(link, at)
    if (this.#follows(walk, link, at)) this.#accept(walk, link, line, at)
  }

  report(): Report {
    for (const head of this.#options.heads ?? []) this.#claim({ ...head, at: undefined, opening: true })
    const notes = [...this.#halfLines(), ...[...this.#claims].flatMap(([id, claims]) => this.#compare(id, claims))]
    for (const walk of this.#chains.values()) notes.push(...this.#close(walk))
    const chains = [...this.#chains.values()].map(({ id, device, lines, first, last, vouched, ended }) => ({
      id,
      device,
      lines,
      first,
      last,
      vouched,
      ended,
    }))
    if (this.#lines === 0) this.#find(undefined, 'there are no lines')
    if (this.#found > MAX_FINDINGS) notes.push(`${this.#found - MAX_FINDINGS} more findings are not listed`)
    return { lines: this.#lines, chains, findings: this.#findings, notes }
  }

  #find(at: Place | undefined, text: string): void {
    if (++this.#found <= MAX_FINDINGS) this.#findings.push({ at, text })
  }

  #begin({ id, seq, checkpoint }: Link, at: Place): Walk {
    const { complete = false } = this.#options
    const opens = checkpoint?.occasion === 'open' || (checkpoint?.occasion === 'reopen' && !complete)
    if (!opens) this.#find(at, `chain ${id} begins with line ${seq} in the middle: lines before it are missing`)
    const walk = { id, start: at, first: seq, device: '', lines: 0, last: 0, hash: '', lastAt: at, vouched: 0, ended: false, recent: new Map() }
    this.#chains.set(id, walk)
    return walk
  }

  /** False for a line that has no place where it stands. */
  #follows(walk: Walk, { id, seq, prev }: Link, at: Place): boolean {
    const { last, lines } = walk
    if (lines === 0) return true
    if (seq <= last) {
      this.#find(at, `line ${seq} of chain ${id} comes after line ${last}: it was repeated or moved`)
      return false
    }
    if (walk.ended) this.#find(at, `line ${seq} of chain ${id} comes after the chain's end: it was added`)
    if (seq > last + 1) this.#find(at, `${missing(last + 1, seq - 1)} of chain ${id} before this one, after ${place(walk.lastAt)}`)
    else if (prev !== walk.hash)
      this.#find(walk.lastAt, `line ${last} of chain ${id} is not what line ${seq} (${place(at)}) says it was: one of them was altered`)
    return true
  }

  #accept(walk: Walk, link: Link, line: Buffer, at: Place): void {
    walk.lines++
    walk.last = link.seq
    walk.hash = lineHash(line)
    walk.lastAt = at
    walk.recent.set(link.seq, walk.hash)
    if (walk.recent.size > RECENT) walk.recent.delete(walk.recent.keys().next().value as number)
    if (link.checkpoint) this.#checkpoint(walk, link, line, at)
  }

  #checkpoint(walk: Walk, { seq, checkpoint }: Link, line: Buffer, at: Place): void {
    const { key } = this.#options
    if (!checkpoint) return
    const { keyId, signature, signedBytes, occasion, device, others, torn } = checkpoint
    if (keyId !== key.id) return this.#find(at, `is signed with the key ${keyId}, not with ${key.id}`)
    const signed = Buffer.concat([Buffer.from(SIGNED_AS), line.subarray(0, signedBytes)])
    if (!isSignature(key.key, signed, signature)) return this.#find(at, 'has a signature that does not fit: it was altered')
    if (walk.device !== '' && walk.device !== device) this.#find(at, `is of device ${device}, but chain ${walk.id} is of ${walk.device}`)
    walk.device = device
    walk.vouched = seq
    walk.ended = occasion === 'end'
    const opening = occasion === 'open' || occasion === 'reopen'
    for (const head of others) this.#claim({ ...head, at, opening })
    if (torn !== undefined) this.#mended.set(torn, (this.#mended.get(torn) ?? 0) + 1)
  }

  #claim(claim: Claim): void {
    const claims = this.#claims.get(claim.id) ?? []
    if (!claims.some(({ seq, hash }) => seq === claim.seq && hash === claim.hash)) claims.push(claim)
    this.#claims.set(claim.id, claims)
  }

  #halfLines(): string[] {
    const notes: string[] = []
    for (const { at, hash, text } of this.#strays) {
      const left = this.#mended.get(hash) ?? 0
      this.#mended.set(hash, left - 1)
      if (left > 0) notes.push(`${place(at)} is half a line, left by a process that was killed or a disk that was full`)
      else this.#find(at, text)
    }
    return notes
  }

  /** What others say of a chain against what is there of it. */
  #compare(id: string, claims: readonly Claim[]): string[] {
    const walk = this.#chains.get(id)
    if (!walk) return this.#absent(id, claims)
    for (const { seq, hash, at } of claims) {
      const by = at ? `at ${place(at)}` : 'by the server'
      if (seq > walk.last)
        this.#find(walk.lastAt, `chain ${id} ends here with line ${walk.last}, but line ${seq} is vouched for ${by}: the rest was cut off`)
      else if ((walk.recent.get(seq) ?? hash) !== hash)
        this.#find(walk.lastAt, `line ${seq} of chain ${id} is not the one that is vouched for ${by}: it was altered`)
    }
    return []
  }

  #absent(id: string, claims: readonly Claim[]): string[] {
    const [first] = claims
    const isOlder = first?.opening === true && claims.every(({ seq }) => seq <= first.seq) && this.#options.complete !== true
    if (isOlder) return [`chain ${id} (${first.seq} lines or more) is spoken of, and not in these files`]
    this.#find(first?.at, `chain ${id} is spoken of here, and none of its lines is in these files: they were removed`)
    return []
  }

  #close(walk: Walk): string[] {
    const { id, start, first, last, vouched, ended } = walk
    if (vouched === 0) this.#find(start, `no line of chain ${id} is vouched for by a signature`)
    return [
      ...(first > 1 ? [`chain ${id} begins with line ${first} at ${place(start)}; the lines before are not in these files`] : []),
      ...(ended
        ? []
        : [
            `chain ${id} has no end: it is still written, or its process was killed; whether lines after ${last} were cut off can't be told from here`,
          ]),
      ...(vouched < last && vouched > 0 ? [`of chain ${id}, ${missing(vouched + 1, last, 'is', 'are')} not vouched for by a signature yet`] : []),
    ]
  }
}

function place({ file, line }: Place): string {
  return `${file}:${line}`
}

/** `line 7 is missing`, `lines 7 to 9 are missing` */
function missing(from: number, to: number, one = 'is missing', many = 'are missing'): string {
  return from === to ? `line ${from} ${one}` : `lines ${from} to ${to} ${many}`
}
