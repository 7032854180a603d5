// spiffe/crl: the revocation lists of the trust domain's X.509 authorities, for everyone; spiffe/agent/crls: the same for agents.
import { choice, or, text } from '../../base/fields.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, missing, type Reply } from '../../contract/reply.ts'
import { pem } from '../../crypto/certificate.ts'
import { type Authority, guestsOf } from '../authority-set.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'

const at = { authority_id: text('The X.509 authority: its subject key identifier in hex.') }
const formInput = { format: or(choice('As DER, or as PEM.', ['der', 'pem']), 'der') }

export function crlPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('crl', 'Revocation lists.', {}, (op) => ({
      read: op({
        doc: 'Read the list of each X.509 authority in the bundle (RFC 5280), as PEM one after another.',
        access: 'open',
        run({ mount }) {
          const { crls, settings } = roomsOf(mount)
          settings.need()
          return asPem(crls.all().map(({ der }) => der))
        },
      }),
    })),
    path('crl/:authority_id', 'The revocation list of an X.509 authority.', at, (op) => ({
      read: op({
        doc: 'Read it.',
        access: 'open',
        input: formInput,
        run({ mount }, { authority_id: id, format }) {
          const found = roomsOf(mount).crls.of(id)
          if (!found) return missing()
          return format === 'pem' ? asPem([found.der]) : { kind: 'raw', status: 200, contentType: 'application/pkix-crl', body: found.der }
        },
      }),
    })),
  ]
}

export function agentCrlPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('agent/crls', 'What agents hand on to workloads beside the bundle.', {}, (op) => ({
      read: op({
        doc: 'Read the revocation lists, and whether there is one of each authority that may stand above an SVID.',
        access: 'open',
        run({ mount }) {
          const rooms = roomsOf(mount)
          return data({ crls: rooms.crls.all().map(({ der }) => der.toString('base64')), complete: areComplete(rooms) })
        },
      }),
    })),
  ]
}

/** Neither of an upstream authority nor of servers below or beside this one are there lists here. */
function areComplete({ authorities, crls, issued }: Spiffe): boolean {
  const set = authorities.set()
  const isListed = ({ id, chain = [] }: Authority): boolean => chain.length === 0 && crls.of(id) !== undefined
  return set.x509.every(isListed) && guestsOf(set).x509.length === 0 && !issued.hasAuthority()
}

function asPem(lists: readonly Buffer[]): Reply {
  const body = Buffer.from(lists.map((der) => pem('X509 CRL', der)).join(''))
  return { kind: 'raw', status: 200, contentType: 'application/x-pem-file', body }
}
