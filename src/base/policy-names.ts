// The names of policies that a token or role carries: one rule for how they are cleaned.

/** Names that no token may carry. */
export const UNASSIGNABLE: readonly string[] = ['response-wrapping', 'control-group']

/**
 * Lower-cased, trimmed, without duplicates, sorted; `root` stands alone.
 * @example policyNames([' B', 'a', 'A', '']) // ['a', 'b']
 */
export function policyNames(raw: readonly string[], addDefault = false): string[] {
  const names = new Set(raw.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))
  if (names.has('root')) return ['root']
  if (addDefault) names.add('default')
  return [...names].sort()
}
