// Answers that will do for a while, so that who looks again and again does not ask again and again.
import type { Clock } from '../../base/ports.ts'

const MOST = 1_000

/** What `ask` said of the same thing at most `ms` milliseconds ago. What it throws is not remembered. */
export function recently<K, T>(ask: (about: K) => Promise<T>, ms: number, clock: Pick<Clock, 'monotonic'>): (about: K) => Promise<T> {
  const known = new Map<string, { readonly at: number; readonly answer: T }>()
  return async (about) => {
    const now = clock.monotonic()
    const text = JSON.stringify(about) ?? ''
    const before = known.get(text)
    if (before && now - before.at < ms) return before.answer
    const answer = await ask(about)
    if (known.size >= MOST) known.clear()
    known.set(text, { at: now, answer })
    return answer
  }
}
