// Counts requests by client against limits, and keeps the counts of several processes together by telling each other what was spent.
import type { Clock } from '../base/ports.ts'

/** So many requests in each interval; who asks for more is refused until the interval ends, or for the time of the block. */
export interface Limit {
  /** Another id is another count. */
  readonly id: string
  readonly requests: number
  readonly intervalMs: number
  /** 0 for none. */
  readonly blockMs: number
}

export interface Taken {
  readonly allowed: boolean
  /** Requests left in this interval. */
  readonly remaining: number
  /** Milliseconds until the interval ends. */
  readonly resetMs: number
  /** Milliseconds after which it makes sense to ask again. */
  readonly retryMs: number
}

/** What one client spent of one limit in one process since that process last told. Plain data. */
export interface Spent {
  readonly limit: Limit
  readonly client: string
  readonly count: number
  /** How long ago its interval began, in milliseconds. */
  readonly ageMs: number
  /** How much longer it is blocked. */
  readonly blockedMs: number
}

export interface Limiter {
  /** Counts one request, unless it is refused. */
  take(limit: Limit, client: string): Taken
  /** What was spent here and nobody else knows yet; at most `MAX_NEWS` of it, the rest at the next call. */
  news(): Spent[]
  /** Counts what another process spent. */
  hear(spent: readonly Spent[]): void
}

/** `used` may exceed the limit, by what other processes allowed before they heard of each other: later intervals pay it back. */
interface Bucket {
  startedAt: number
  used: number
  blockedUntil: number
}

/** Clients that are remembered at most. One that is forgotten starts anew, which takes this many other addresses to bring about. */
const MAX_BUCKETS = 65_536
export const MAX_NEWS = 1_000

export function openLimiter(clock: Pick<Clock, 'monotonic'>): Limiter {
  return new Counts(clock)
}

class Counts implements Limiter {
  readonly #clock: Pick<Clock, 'monotonic'>
  /** In the order in which their intervals began. */
  readonly #buckets = new Map<string, Bucket>()
  readonly #untold = new Map<string, Pick<Spent, 'limit' | 'client' | 'count'>>()

  constructor(clock: Pick<Clock, 'monotonic'>) {
    this.#clock = clock
  }

  take(limit: Limit, client: string): Taken {
    const now = this.#clock.monotonic()
    const bucket = this.#current(limit, client, now)
    const free = bucket.blockedUntil <= now
    const allowed = free && bucket.used < limit.requests
    const blocks = free && !allowed && limit.blockMs > 0
    if (allowed) bucket.used++
    if (blocks) bucket.blockedUntil = now + limit.blockMs
    if (allowed || blocks) this.#tell(limit, client, Number(allowed))
    const resetMs = bucket.startedAt + limit.intervalMs - now
    const retryMs = bucket.blockedUntil > now ? bucket.blockedUntil - now : resetMs
    return { allowed, remaining: Math.max(0, limit.requests - bucket.used), resetMs, retryMs }
  }

  news(): Spent[] {
    const now = this.#clock.monotonic()
    const news: Spent[] = []
    for (const [key, told] of this.#untold) {
      if (news.length === MAX_NEWS) break
      this.#untold.delete(key)
      const { startedAt, blockedUntil } = this.#current(told.limit, told.client, now)
      news.push({ ...told, ageMs: now - startedAt, blockedMs: Math.max(0, blockedUntil - now) })
    }
    return news
  }

  hear(spent: readonly Spent[]): void {
    const now = this.#clock.monotonic()
    for (const { limit, client, count, ageMs, blockedMs } of spent) {
      const bucket = this.#current(limit, client, now, ageMs)
      bucket.used += count
      bucket.blockedUntil = Math.max(bucket.blockedUntil, now + blockedMs)
    }
  }

  #current({ id, requests, intervalMs }: Limit, client: string, now: number, ageMs = 0): Bucket {
    const key = keyOf(id, client)
    const bucket = this.#buckets.get(key)
    if (!bucket) return this.#keep(key, { startedAt: now - ageMs, used: 0, blockedUntil: 0 })
    const over = Math.floor((now - bucket.startedAt) / intervalMs)
    if (over <= 0) return bucket
    bucket.startedAt += over * intervalMs
    bucket.used = Math.max(0, bucket.used - over * requests)
    return this.#keep(key, bucket)
  }

  #keep(key: string, bucket: Bucket): Bucket {
    this.#buckets.delete(key)
    if (this.#buckets.size >= MAX_BUCKETS) this.#buckets.delete(oldest(this.#buckets))
    this.#buckets.set(key, bucket)
    return bucket
  }

  #tell(limit: Limit, client: string, count: number): void {
    const key = keyOf(limit.id, client)
    const before = this.#untold.get(key)
    if (!before && this.#untold.size >= MAX_BUCKETS) this.#untold.delete(oldest(this.#untold))
    this.#untold.set(key, { limit, client, count: (before?.count ?? 0) + count })
  }
}

function keyOf(id: string, client: string): string {
  return `${id} ${client}`
}

function oldest(map: ReadonlyMap<string, unknown>): string {
  return map.keys().next().value as string
}
