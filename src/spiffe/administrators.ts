// Who may administer a trust domain without a token: by the user of a local socket, or by an SVID that is named for it.
import { Fault } from '../base/fault.ts'
import type { Peer } from '../contract/call.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import type { Entry } from './entry.ts'
import type { Spiffe } from './rooms.ts'

type Rooms = Pick<Spiffe, 'settings' | 'entries'>

/** An operator of this machine, an SVID among `admin_ids`, or one that an entry with `admin` gives. */
export function isAdministrator({ settings, entries }: Rooms, { user, svid }: Peer, now: number): boolean {
  if (user) return user.operator
  if (!svid || svid.expiresAt <= now) return false
  const id = parseSpiffeId(svid.id)
  return settings.need().adminIds.includes(id) || entries.of(id).some(({ admin }) => admin)
}

/** The entry by which the caller issues under this trust domain. Throws `denied`. */
export function downstreamOf({ entries }: Rooms, { svid }: Peer, now: number): Entry {
  const found = svid && svid.expiresAt > now && entries.of(parseSpiffeId(svid.id)).find(({ downstream }) => downstream)
  if (!found) throw denied()
  return found
}

/** In SPIRE's words. */
export const denied = (): Fault => new Fault('denied', 'authorization denied')
