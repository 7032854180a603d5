// The one error whose message leaves the process: a code from a closed table, and what the client is told.

/** HTTP status of each fault code (Vault API, "HTTP status codes"). */
export const FAULTS = {
  invalid: 400,
  denied: 403,
  missing: 404,
  unsupported: 405,
  timeout: 408,
  stale: 412,
  'too-large': 413,
  'media-type': 415,
  throttled: 429,
  'headers-too-large': 431,
  internal: 500,
  uninitialized: 501,
  sealed: 503,
  unavailable: 503,
} as const

export type FaultCode = keyof typeof FAULTS

/**
 * A refusal or failure that a client may read.
 * @example throw new Fault('invalid', 'missing client token')
 */
export class Fault extends Error {
  readonly code: FaultCode
  /** What the client reads in `errors`; empty where Vault answers `{"errors":[]}`. */
  readonly errors: readonly string[]

  constructor(code: FaultCode, ...errors: string[]) {
    super(errors.join('; ') || code)
    this.name = 'Fault'
    this.code = code
    this.errors = errors
  }

  get status(): number {
    return FAULTS[this.code]
  }
}

/** Does a part of due work; false where it has to wait, since what it is about is sealed. */
export async function unlessSealed(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof Fault && error.code === 'sealed') return false
    throw error
  }
}

/** A fault of the request line itself, whose text Vault wraps as a one-element multierror. */
export function coreFault(code: FaultCode, ...causes: string[]): Fault {
  const title = causes.length === 1 ? '1 error occurred:' : `${causes.length} errors occurred:`
  return new Fault(code, `${title}\n${causes.map((cause) => `\t* ${cause}\n`).join('')}\n`)
}

/** The 403 of a missing or invalid token, whatever the path. */
export function invalidToken(): Fault {
  return new Fault('denied', 'permission denied')
}

/** The 403 of a token that may not do this here, whether the path leads anywhere or not. */
export function permissionDenied(): Fault {
  return coreFault('denied', 'permission denied')
}
