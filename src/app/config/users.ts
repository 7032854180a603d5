// Users of this machine that a configuration names by their numbers.
import { type Block, refuse } from './stanza.ts'

/** Of `admin_uids`. Throws `invalid`. */
export function uidsIn(block: Block, uids: readonly string[]): readonly number[] {
  const wrong = uids.find((one) => !/^\d{1,10}$/.test(one))
  if (wrong !== undefined) throw refuse(block, `admin_uids: "${wrong}" is not the number of a user`)
  return uids.map(Number)
}
