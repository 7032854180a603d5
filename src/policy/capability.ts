// Capabilities as bits of one number: rules merge with `|` and are asked with `&`.
import type { Capability, Verb } from '../contract/call.ts'

export const BIT: Readonly<Record<Capability, number>> = {
  create: 1,
  delete: 2,
  deny: 4,
  list: 8,
  patch: 16,
  read: 32,
  scan: 64,
  subscribe: 512,
  sudo: 128,
  update: 256,
}

/** In alphabetical order, which is the order that clients are shown. */
const NAMES = Object.keys(BIT) as Capability[]

export function isCapability(text: string): text is Capability {
  return Object.hasOwn(BIT, text)
}

export function grantsAny(bits: number): boolean {
  return (bits & ~BIT.deny) !== 0
}

/** Sorted; `deny` alone where it is among them, or where there is nothing. */
export function capabilitiesOf(bits: number): Capability[] {
  return bits === 0 || bits & BIT.deny ? ['deny'] : NAMES.filter((name) => bits & BIT[name])
}

/** What the verb needs. Help needs nothing; it reads. */
export function neededFor(verb: Verb, creates: boolean): Capability {
  if (verb === 'write') return creates ? 'create' : 'update'
  return verb === 'help' ? 'read' : verb
}

/** What can be asked of a path, in the terms of policies. */
export const OPERATIONS = {
  read: { verb: 'read', creates: false },
  list: { verb: 'list', creates: false },
  scan: { verb: 'scan', creates: false },
  create: { verb: 'write', creates: true },
  update: { verb: 'write', creates: false },
  patch: { verb: 'patch', creates: false },
  delete: { verb: 'delete', creates: false },
} as const satisfies Readonly<Record<string, { readonly verb: Verb; readonly creates: boolean }>>

export function isOperation(text: string): text is keyof typeof OPERATIONS {
  return Object.hasOwn(OPERATIONS, text)
}
