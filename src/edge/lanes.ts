// Which requests are let in while there is no room for others: those by which an operator sees the state of the server and stops things.
import type { Ask } from './ask.ts'
import type { Lane } from './crowd.ts'
import type { Head } from './head.ts'

/** Within any namespace, where the operation exists there. */
const VITAL: readonly RegExp[] = [
  /^(?:read) sys\/(?:health|seal-status|leader|ha-status|init)$/,
  /^(?:write) sys\/(?:seal|unseal|step-down)$/,
  /^(?:write) (?:.+\/)?auth\/token\/revoke(?:-[a-z]+)?$/,
  /^(?:write) (?:.+\/)?sys\/leases\/revoke(?:\/.+|-(?:force|prefix)\/.+)?$/,
]

export function laneOf({ verb, path }: Ask, { token }: Head): Lane {
  const asked = `${verb} ${path}`
  if (VITAL.some((pattern) => pattern.test(asked))) return 'vital'
  return token === undefined ? 'anonymous' : 'ordinary'
}
