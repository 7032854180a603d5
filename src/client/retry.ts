// When a request is worth sending again, and after how long (Go's client: stale reads, overload, 5xx, no connection).
import { Unreachable } from './failure.ts'
import type { HttpResponse } from './request.ts'

export interface Retries {
  /** How many times after the first; 0 is never. */
  readonly max: number
  /** Resolves after so many milliseconds. */
  sleep(ms: number): Promise<void>
}

const STEP_MS = 1000
const MAX_WAIT_MS = 30_000

/** What no second try will cure. */
const FINAL = new Set(['ENOTFOUND', 'ERR_TLS_CERT_ALTNAME_INVALID', 'CERT_HAS_EXPIRED', 'DEPTH_ZERO_SELF_SIGNED_CERT'])

/** Runs `send` until its answer is worth keeping or the tries are used up; then the last answer or failure stands. */
export async function retrying(retries: Retries, send: () => Promise<HttpResponse>): Promise<HttpResponse> {
  for (let tries = 1; ; tries++) {
    try {
      const response = await send()
      if (tries > retries.max || !isTransient(response.status)) return response
      await retries.sleep(waitFor(tries, response))
    } catch (error) {
      if (tries > retries.max || !(error instanceof Unreachable) || FINAL.has(error.code)) throw error
      await retries.sleep(waitFor(tries))
    }
  }
}

function isTransient(status: number): boolean {
  return status === 412 || status === 429 || (status >= 500 && status !== 501)
}

function waitFor(tries: number, response?: HttpResponse): number {
  const asked = Number(response?.headers['retry-after'])
  const wait = asked > 0 ? asked * 1000 : tries * STEP_MS
  return Math.min(wait, MAX_WAIT_MS)
}
