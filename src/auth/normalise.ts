// One rule per kind of name, so that a name has a single form wherever it is stored, looked up, counted or compared.
import { coreFault } from '../base/fault.ts'

export type NameKind = 'username' | 'role' | 'role-id' | 'secret-id'

/** ASCII letters, digits and `_`, with `-` and `.` inside. Without letters beyond ASCII there are no look-alikes and no case surprises. */
const NAME = /^\w(?:[\w.-]*\w)?$/

const RULES: Readonly<Record<NameKind, (raw: string) => string | undefined>> = {
  username: plainName,
  role: plainName,
  'role-id': trimmed,
  'secret-id': trimmed,
}

/**
 * The form under which a name is known. A name in a path that no name may have is a path that nobody serves: it throws `missing`.
 * @example normalise('username', 'Ann') // 'ann'
 */
export function normalise(kind: NameKind, raw: string): string {
  const name = tryNormalise(kind, raw)
  if (name === undefined) throw coreFault('missing', 'unsupported path')
  return name
}

/** Undefined for what no name may be. */
export function tryNormalise(kind: NameKind, raw: string): string | undefined {
  return RULES[kind](raw)
}

function plainName(raw: string): string | undefined {
  return NAME.test(raw) ? raw.toLowerCase() : undefined
}

/** Ids are compared byte by byte; only what copying leaves around them is dropped. */
function trimmed(raw: string): string {
  return raw.trim()
}
