// How a refusal reads in a record: in clear only what is known to say nothing of what was sent.
import type { Fault, FaultCode } from '../base/fault.ts'

/** The class of a refusal, in the words that Vault's records have. */
const CLASSES: Readonly<Record<FaultCode, string>> = {
  invalid: 'invalid request',
  denied: 'permission denied',
  missing: 'unsupported path',
  unsupported: 'unsupported operation',
  timeout: 'request timed out',
  stale: 'required index state not present',
  'too-large': 'request too large',
  'media-type': 'unsupported media type',
  throttled: 'quota exceeded',
  'headers-too-large': 'request header too large',
  internal: 'internal error',
  uninitialized: 'Vault is not initialized',
  sealed: 'Vault is sealed',
  unavailable: 'service unavailable',
}

/** Texts without anything of the request in them, that alerts are made for. */
const FIXED: ReadonlySet<string> = new Set([
  'permission denied',
  'invalid credentials',
  'invalid username or password',
  'invalid role or secret ID',
  'namespace not found',
  'wrapping token is not valid or does not exist',
])

/** What the client was told may quote what it sent, so it is shown as `data.error`, hashed; this is the rest. */
export function outcome({ code, errors }: Fault): string {
  const [only = ''] = errors
  return FIXED.has(only) ? only : `1 error occurred:\n\t* ${CLASSES[code]}\n\n`
}
