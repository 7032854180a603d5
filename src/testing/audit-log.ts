// Several processes that write one audit log in memory, as a server's workers do, with timers that a test fires.
import { generateKeyPairSync } from 'node:crypto'
import { type Head, openChain } from '../audit/chain.ts'
import { FileOut, type Mishap } from '../audit/file.ts'
import { headsIn } from '../audit/heads.ts'
import { linesOf } from '../audit/split.ts'
import { type Report, Verifier, type VerifyOptions } from '../audit/verify.ts'
import { Writer } from '../audit/writer.ts'
import type { Timers } from '../base/ports.ts'
import { keyIdOf } from '../crypto/signature.ts'
import { settableClock } from './clock.ts'
import { memoryFiles, type MemoryFiles } from './files.ts'

export interface HandTimers extends Timers {
  /** Runs everything that waits for its time. */
  fire(): void
}

export function handTimers(): HandTimers {
  let waiting: (() => void)[] = []
  return {
    after(_, run) {
      waiting.push(run)
      return () => {
        waiting = waiting.filter((one) => one !== run)
      }
    },
    every: () => () => {},
    turn: () => Promise.resolve(),
    fire() {
      const due = waiting
      waiting = []
      for (const run of due) run()
    },
  }
}

export interface LogProcess {
  readonly writer: Writer
  readonly timers: HandTimers
  readonly mishaps: Mishap[]
  /** Records numbered on, each kept when this resolves. */
  write(count?: number): Promise<void>
}

export interface AuditLog {
  readonly files: MemoryFiles
  readonly clock: ReturnType<typeof settableClock>
  /** What the server knows of the chains. */
  readonly heads: ReadonlyMap<string, Head>
  readonly key: VerifyOptions['key']
  start(): LogProcess
  /** Verifies files in order; all of them together are the whole log, as far as the server knows it. */
  verify(paths: readonly string[], options?: Partial<VerifyOptions>): Report
}

export const LOG = '/audit.log'

export function openAuditLog(): AuditLog {
  const files = memoryFiles()
  const clock = settableClock()
  const heads = new Map<string, Head>()
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key = { id: keyIdOf(publicKey), key: publicKey }
  let chains = 0
  let records = 0

  function start(): LogProcess {
    const timers = handTimers()
    const mishaps: Mishap[] = []
    const out = new FileOut(LOG, { synced: false }, { files, clock, mishap: (what) => void mishaps.push(what) })
    const writer = new Writer({
      out,
      chain: openChain(`chain${++chains}`, { key: privateKey, keyId: key.id }),
      device: 'file/',
      clock,
      timers,
      others: (_, tail) => (tail ? headsIn(linesOf(tail), [...heads.values()]).heads : [...heads.values()]),
      async signed(head) {
        heads.set(head.id, head)
      },
    })
    const write = async (count = 1): Promise<void> => {
      const lines = Array.from({ length: count }, () => `{"time":"${clock.now()}","type":"request","request":{"id":"${++records}"}}`)
      await Promise.all(lines.map((line) => writer.write(line)))
    }
    return { writer, timers, mishaps, write }
  }

  return {
    files,
    clock,
    heads,
    key,
    start,
    verify: (paths, options = {}) =>
      verifyTexts(new Map(paths.map((path) => [path, files.text(path)])), { key, heads: [...heads.values()], complete: true, ...options }),
  }
}

/** Names and contents of log files, in order. */
export function verifyTexts(texts: ReadonlyMap<string, string | Buffer>, options: VerifyOptions): Report {
  const verifier = new Verifier(options)
  for (const [file, text] of texts) {
    const bytes = Buffer.from(text)
    let line = 0
    for (const one of linesOf(bytes)) verifier.read(one, { file, line: ++line })
    const rest = bytes.subarray(bytes.lastIndexOf('\n') + 1)
    if (rest.length > 0) verifier.read(rest, { file, line: ++line }, false)
  }
  return verifier.report()
}
