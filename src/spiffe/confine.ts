// The rooms of a trust domain as a namespace sees them: its own part, and nothing of the others.
import { Fault } from '../base/fault.ts'
import { checkNames, type Part } from './parts.ts'
import type { Spiffe } from './rooms.ts'
import type { Svids } from './svids.ts'

export function confine(rooms: Spiffe, part: Part): Spiffe {
  return { ...rooms, entries: rooms.entries.within(part), exchange: rooms.exchange.within(part), svids: confineSvids(rooms.svids, part) }
}

function confineSvids(svids: Svids, part: Part): Svids {
  const refused = (): never => {
    throw new Fault('invalid', 'a namespace issues by name alone')
  }
  return {
    x509(request) {
      checkNames(part, { spiffeId: request.id, dnsNames: request.dnsNames, subject: request.subject })
      return svids.x509(request)
    },
    jwt(id, audience, ttl, withId) {
      checkNames(part, { spiffeId: id, dnsNames: [], subject: [] })
      return svids.jwt(id, audience, ttl, withId)
    },
    wit(id, bound, ttl) {
      checkNames(part, { spiffeId: id, dnsNames: [], subject: [] })
      return svids.wit(id, bound, ttl)
    },
    x509For: refused,
    x509ForAgent: refused,
    jwtFor: refused,
    witFor: refused,
    authority: refused,
  }
}
