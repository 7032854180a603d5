// Reads a request's body into one buffer, within its limit, and lets a refused client finish sending so that it reads why.
import { Fault } from '../base/fault.ts'
import type { Timers } from '../base/ports.ts'
import type { Incoming } from './exchange.ts'
import type { EdgeLimits } from './limits.ts'

export interface BodyReader {
  readonly whole: (body: Buffer) => void
  readonly refused: (fault: unknown) => void
  /** Makes room for more bytes, or throws. */
  readonly hold: (bytes: number) => void
  /** The client went away before the end. */
  readonly gone: () => void
}

/** Calls exactly one of the reader's functions, once. The returned function refuses what is still arriving. */
export function readBody(req: Incoming, limits: EdgeLimits, timers: Timers, reader: BodyReader): (fault: Fault) => void {
  const chunks: Buffer[] = []
  let size = 0
  let settled = false
  const stopTimer = timers.after(limits.requestMs, () => refuse(new Fault('timeout', 'request body arrived too slowly')))

  function settle(): boolean {
    if (settled) return false
    settled = true
    stopTimer()
    req.removeListener('data', onData)
    return true
  }
  function refuse(fault: unknown): void {
    if (settle()) reader.refused(fault)
  }
  function onData(chunk: Buffer): void {
    size += chunk.length
    if (size > limits.bodyBytes) return refuse(tooLarge(limits))
    try {
      reader.hold(chunk.length)
      chunks.push(chunk)
    } catch (error) {
      refuse(error)
    }
  }

  req.on('data', onData)
  req.once('end', () => {
    if (settle()) reader.whole(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size))
  })
  req.once('close', () => {
    if (settle()) reader.gone()
  })
  req.on('error', () => {}) // 'close' follows
  return refuse
}

export function tooLarge(limits: EdgeLimits): Fault {
  return new Fault('too-large', `request body is larger than ${limits.bodyBytes} bytes`)
}

/** Drops what still arrives until it ends, the client leaves, or it has been enough: closing at once would reset the client. */
export function drainBody(req: Incoming, limits: EdgeLimits, timers: Timers, done: () => void): void {
  let size = 0
  let finished = false
  const stopTimer = timers.after(limits.lingerMs, finish)

  function finish(): void {
    if (finished) return
    finished = true
    stopTimer()
    done()
  }
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limits.lingerBytes) finish()
  })
  req.once('end', finish)
  req.once('close', finish)
  req.on('error', () => {})
}
