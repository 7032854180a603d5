// The secrets that the scenarios read and write, and the mounts that hold them.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Client } from './client.ts'

/** Where scenarios keep their own few secrets. */
export const SMALL_MOUNT = 'bench-kv'
/** Where `fill.ts` puts as many as it was told. */
export const FILLED_MOUNT = 'bench-fill'

/** Names sort like their numbers, so that paging visits them in order. */
export function toKey(i: number): string {
  return `service-${String(i).padStart(8, '0')}`
}

/** A database credential of about 300 bytes, always the same for the same number. */
export function toSecret(i: number): Readonly<Record<string, string>> {
  return {
    username: `service-${i}`,
    password: scramble(i, 64),
    url: `postgresql://db-${i % 97}.internal.example:5432/orders?sslmode=verify-full`,
    note: scramble(i + 1, 96),
  }
}

/** Mounts a KV version 2 engine unless it is there, and waits until it takes requests. */
export async function mountKv(client: Client, mount: string): Promise<void> {
  const mounted = await client.call('GET', '/v1/sys/mounts')
  if (!(`${mount}/` in (mounted.data ?? {}))) await client.call('POST', `/v1/sys/mounts/${mount}`, { type: 'kv', options: { version: '2' } })
  // A new mount may answer 400 while the server prepares its versioned storage.
  for (let tries = 0; (await client.attempt('GET', `/v1/${mount}/config`)).status !== 200; tries++) {
    if (tries === 100) throw new Error(`${client.target.name}: ${mount}/ does not become ready`)
    await sleep(100)
  }
}

/** Letters and digits that look random and need no source of randomness (a linear congruential generator). */
function scramble(seed: number, length: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  let state = (seed + 1) >>> 0
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return letters[(state >>> 16) % letters.length]
  }).join('')
}
