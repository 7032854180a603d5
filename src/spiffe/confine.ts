// The rooms of a trust domain as a namespace sees them: its own part, and nothing of the others.
import { Fault } from '../base/fault.ts'
import { isBelow, type SpiffeId } from '../crypto/spiffe-id.ts'
import type { Issued } from './issued.ts'
import { checkNames, type Part } from './parts.ts'
import { keyOf, type Revocable, type Revocations, type Revoked } from './revocations.ts'
import type { Spiffe } from './rooms.ts'
import type { Svids } from './svids.ts'

export function confine(rooms: Spiffe, part: Part): Spiffe {
  return {
    ...rooms,
    entries: rooms.entries.within(part),
    exchange: rooms.exchange.within(part),
    svids: confineSvids(rooms.svids, part),
    issued: confineIssued(rooms.issued, part),
    revocations: confineRevocations(rooms.revocations, part),
  }
}

function confineIssued(issued: Issued, part: Part): Issued {
  return {
    ...issued,
    find: async (trait, ...values) => (await issued.find(trait, ...values)).filter(({ spiffeId }) => isBelow(spiffeId, part.prefix)),
  }
}

function confineRevocations(revocations: Revocations, part: Part): Revocations {
  const isOwn = ({ spiffeId }: Revocable): boolean => spiffeId !== '' && isBelow(spiffeId as SpiffeId, part.prefix)
  return {
    ...revocations,
    get(certificate) {
      const found = revocations.get(certificate)
      return found && isOwn(found) ? found : undefined
    },
    page(after, limit) {
      const own: Revoked[] = []
      for (let from = after, more = true; more && own.length < limit; ) {
        const some = revocations.page(from, limit)
        own.push(...some.filter(isOwn).slice(0, limit - own.length))
        from = some.map(keyOf).at(-1) ?? ''
        more = some.length === limit
      }
      return own
    },
    add(certificates, reason) {
      if (!certificates.every(isOwn)) throw new Fault('invalid', `this namespace revokes SVIDs below ${part.prefix} only`)
      return revocations.add(certificates, reason)
    },
  }
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
    x509ForServer: refused,
    jwtFor: refused,
    witFor: refused,
    authority: refused,
  }
}
