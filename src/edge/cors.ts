// Requests of browsers from other origins (Fetch standard, "CORS protocol"): let in only from origins that are named.
import { Fault } from '../base/fault.ts'
import type { Answer } from '../contract/answer.ts'

export interface CorsRules {
  /** `*` alone for any. */
  readonly origins: readonly string[]
  readonly headers: readonly string[]
  /** Whether browsers may send what identifies the user by itself: cookies, client certificates. */
  readonly credentials: boolean
}

export interface CrossOrigin {
  /** What every answer says to the browser: name, value, name, … */
  readonly headers: readonly string[]
  /** Of a preflight, which is no request of the API. */
  readonly answer?: Answer
}

/** LIST and SCAN as well, which are no methods of a browser's own. */
const METHODS = ['DELETE', 'GET', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'LIST', 'SCAN']
const PREFLIGHT_SECONDS = 300
const NO_CONTENT: Answer = { status: 204, headers: {}, body: Buffer.alloc(0) }
const WRONG_METHOD: Answer = { ...NO_CONTENT, status: 405 }

/** Undefined for a request from no other origin, or where nothing is configured. Throws `denied` for an origin that is not let in. */
export function crossOrigin(current: () => CorsRules | undefined, method: string, rawHeaders: readonly string[]): CrossOrigin | undefined {
  const origin = valueOf(rawHeaders, 'origin')
  const rules = origin === undefined ? undefined : current()
  if (!rules || origin === undefined) return undefined
  if (!rules.origins.includes('*') && !rules.origins.includes(origin)) throw new Fault('denied', 'origin not allowed')
  const headers = ['Access-Control-Allow-Origin', origin, 'Vary', 'Origin']
  if (rules.credentials) headers.push('Access-Control-Allow-Credentials', 'true')
  if (method !== 'OPTIONS') return { headers }
  if (!METHODS.includes(valueOf(rawHeaders, 'access-control-request-method') ?? '')) return { headers: [], answer: WRONG_METHOD }
  headers.push('Access-Control-Allow-Methods', METHODS.join(','), 'Access-Control-Allow-Headers', rules.headers.join(','))
  headers.push('Access-Control-Max-Age', String(PREFLIGHT_SECONDS))
  return { headers, answer: NO_CONTENT }
}

function valueOf(rawHeaders: readonly string[], name: string): string | undefined {
  const at = rawHeaders.findIndex((one, index) => index % 2 === 0 && one.toLowerCase() === name)
  return at < 0 ? undefined : rawHeaders[at + 1]
}
