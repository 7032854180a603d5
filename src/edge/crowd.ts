// How many are inside at once, in all and from each client, so that nobody takes the room of the others.
import { Fault, type FaultCode } from '../base/fault.ts'
import type { EdgeLimits } from './limits.ts'

/**
 * `vital` is what operators need when nothing else gets through, and has room of its own; `anonymous` came without a token,
 * so anybody can make it.
 */
export type Lane = 'vital' | 'anonymous' | 'ordinary'

const REFUSALS = {
  'client-connections': ['throttled', 'too many connections from this address'],
  'client-requests': ['throttled', 'too many requests at once from this address'],
  'client-anonymous-requests': ['throttled', 'too many requests without a token at once from this address'],
  'client-bytes': ['throttled', 'too much is being sent at once from this address'],
  requests: ['unavailable', 'too many requests at once'],
  bytes: ['unavailable', 'too much is being sent at once'],
} as const satisfies Readonly<Record<string, readonly [FaultCode, string]>>

/** Why somebody was not let in. */
export type Refusal = keyof typeof REFUSALS

interface Counts {
  connections: number
  bytes: number
  readonly running: Record<Lane, number>
}

/** Room inside that one request takes until it leaves. */
export interface Room {
  readonly client: string
  readonly lane: Lane
  bytes: number
}

/** One client may take this part of what is kept for vital requests. */
const VITAL_PARTS = 4

/** Clients are told apart by a text, such as their address. What doesn't fit throws `throttled` or `unavailable`, and isn't counted. */
export class Crowd {
  readonly #limits: EdgeLimits
  readonly #refused: (why: Refusal) => void
  readonly #all = nobody()
  readonly #inside = new Map<string, Counts>()

  constructor(limits: EdgeLimits, refused: (why: Refusal) => void) {
    this.#limits = limits
    this.#refused = refused
  }

  /** Clients that are remembered: those of whom anything is inside. */
  get clients(): number {
    return this.#inside.size
  }

  connect(client: string): void {
    const own = this.#of(client)
    if (own.connections >= this.#limits.connectionsPerClient) throw this.#refuse(client, 'client-connections')
    own.connections++
  }

  disconnect(client: string): void {
    this.#of(client).connections--
    this.#tidy(client)
  }

  enter(client: string, asked: Lane): Room {
    const own = this.#of(client)
    const lane = asked === 'vital' && !this.#hasVitalRoom(own) ? 'ordinary' : asked
    const why = lane === 'vital' ? undefined : this.#crowded(own, lane)
    if (why) throw this.#refuse(client, why)
    this.#all.running[lane]++
    own.running[lane]++
    return { client, lane, bytes: 0 }
  }

  /** Takes memory for what a request sends. */
  hold(room: Room, bytes: number): void {
    const own = this.#of(room.client)
    if (own.bytes + bytes > this.#limits.bytesPerClient) throw this.#refuse(room.client, 'client-bytes')
    if (this.#all.bytes + bytes > this.#limits.bytes) throw this.#refuse(room.client, 'bytes')
    for (const count of [room, own, this.#all]) count.bytes += bytes
  }

  leave({ client, lane, bytes }: Room): void {
    for (const counts of [this.#all, this.#of(client)]) {
      counts.running[lane]--
      counts.bytes -= bytes
    }
    this.#tidy(client)
  }

  #hasVitalRoom({ running }: Counts): boolean {
    const { vital } = this.#limits
    return this.#all.running.vital < vital && running.vital < vital / VITAL_PARTS
  }

  #crowded(own: Counts, lane: Lane): Refusal | undefined {
    const { concurrent, concurrentPerClient, anonymousPerClient } = this.#limits
    if (ordinary(own) >= concurrentPerClient) return 'client-requests'
    if (lane === 'anonymous' && own.running.anonymous >= anonymousPerClient) return 'client-anonymous-requests'
    return ordinary(this.#all) >= concurrent ? 'requests' : undefined
  }

  #refuse(client: string, why: Refusal): Fault {
    this.#tidy(client)
    this.#refused(why)
    const [code, text] = REFUSALS[why]
    return new Fault(code, text)
  }

  #of(client: string): Counts {
    const known = this.#inside.get(client) ?? nobody()
    this.#inside.set(client, known)
    return known
  }

  #tidy(client: string): void {
    const { connections, bytes, running } = this.#of(client)
    if (connections + bytes + running.vital + running.anonymous + running.ordinary === 0) this.#inside.delete(client)
  }
}

function nobody(): Counts {
  return { connections: 0, bytes: 0, running: { vital: 0, anonymous: 0, ordinary: 0 } }
}

function ordinary({ running }: Counts): number {
  return running.anonymous + running.ordinary
}
