// When a thing is to be renewed: at half its life, moved by up to a tenth of that so that many don't come at once.
import type { Random } from '../base/ports.ts'

const RANGE = 2 ** 32

/** From -1 up to 1. */
export function spread(random: Random): number {
  return (random.bytes(4).readUInt32BE(0) / RANGE) * 2 - 1
}

/** Milliseconds, like what it is given. */
export function renewalTime(from: number, until: number, random: Random): number {
  const half = Math.max(0, until - from) / 2
  return from + half * (1 + spread(random) / 10)
}
