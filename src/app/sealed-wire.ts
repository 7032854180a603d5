// Bytes cross between processes sealed to a key of one use: the copies that serialisation, pipes and read buffers make of a
// message are nobody's to wipe. Who sends bytes offers them; the other end sends a key for them; they come sealed to it.
import { handOver, type Handover, openHandover } from '../crypto/handover.ts'
import { wipeableCopy } from '../crypto/wipeable.ts'

/** Either end of a channel. */
export interface Wire {
  send(message: unknown): void
  receive(listener: (message: unknown) => void): void
}

export interface SealedWire extends Wire {
  /** Wipes what was offered and not taken. */
  close(): void
}

/** What is left of a message whose bytes are to come; where they were, it tells their place in what comes. */
interface Offer {
  readonly offer: number
  readonly message: unknown
}

interface Take {
  readonly take: number
  readonly key: Uint8Array
}

interface Given {
  readonly given: number
  readonly sealed: readonly Uint8Array[]
}

interface Awaited {
  readonly handover: Handover
  readonly arrived: (all: readonly Buffer[]) => void
}

/** Seals all bytes in a message, at whatever depth. Messages arrive in the order they were sent. */
export function sealedWire(wire: Wire): SealedWire {
  const offered = new Map<number, readonly Buffer[]>()
  const awaited = new Map<number, Awaited>()
  let last = 0
  let delivered = Promise.resolve()

  function give({ take, key }: Take): void {
    const all = offered.get(take) ?? []
    offered.delete(take)
    wire.send({ given: take, sealed: all.map((bytes) => handOver(key, bytes)) } satisfies Given)
    wipe(all)
  }

  function takeIn({ given, sealed }: Given): void {
    const waiting = awaited.get(given)
    awaited.delete(given)
    waiting?.arrived(sealed.map((one) => waiting.handover.open(one)))
  }

  /** The message with its bytes, once they came. */
  function complete({ offer, message }: Offer): Promise<unknown> {
    const handover = openHandover()
    wire.send({ take: offer, key: handover.publicKey } satisfies Take)
    return new Promise((resolve) => awaited.set(offer, { handover, arrived: (all) => resolve(replace(message, isHole, ({ hole }) => all[hole])) }))
  }

  return {
    send(message) {
      const all = bytesIn(message)
      if (all.length === 0) return wire.send(message)
      offered.set(++last, all.map(wipeableCopy))
      wire.send({ offer: last, message: replace(message, isBytes, (bytes) => ({ hole: all.indexOf(bytes) }) satisfies Hole) } satisfies Offer)
    },
    receive(listener) {
      wire.receive((message) => {
        if (typeof message !== 'object' || message === null) return
        if ('take' in message) give(message as Take)
        else if ('given' in message) takeIn(message as Given)
        else {
          const whole = 'offer' in message ? complete(message as Offer) : Promise.resolve(message)
          delivered = delivered.then(async () => listener(await whole))
        }
      })
    },
    close() {
      for (const all of offered.values()) wipe(all)
      offered.clear()
    },
  }
}

interface Hole {
  readonly hole: number
}

const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array
const isHole = (value: unknown): value is Hole => typeof value === 'object' && value !== null && 'hole' in value

/** All bytes in a value, in order. */
export function bytesIn(value: unknown): Uint8Array[] {
  if (isBytes(value)) return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(bytesIn) : []
}

/** A copy of plain data in which everything of a kind is something else. */
function replace<T>(value: unknown, is: (value: unknown) => value is T, by: (value: T) => unknown): unknown {
  if (is(value)) return by(value)
  if (Array.isArray(value)) return value.map((inner) => replace(inner, is, by))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replace(inner, is, by)]))
}

export function wipe(all: readonly Uint8Array[]): void {
  for (const bytes of all) bytes.fill(0)
}
