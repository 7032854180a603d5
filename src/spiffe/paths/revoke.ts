// spiffe/svid/revoke and spiffe/svid/revoked: X509-SVIDs that are believed no more before their time is over.
import { createPublicKey } from 'node:crypto'
import { choice, int, maybe, or, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, keys, missing, type Reply } from '../../contract/reply.ts'
import { fromPem, serialText } from '../../crypto/certificate.ts'
import { type Reason, REASONS } from '../../crypto/crl.ts'
import { parseSpiffeId, trustDomainOf } from '../../crypto/spiffe-id.ts'
import { checkTime, extensionsOf, openCertificate } from '../../crypto/x509-reading.ts'
import { certificateId } from '../../crypto/x509-svid.ts'
import type { Trait } from '../issued.ts'
import { keyOf, type Revocable, type Revoked } from '../revocations.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { findPage } from './filters.ts'

const REASON_NAMES = Object.keys(REASONS) as Reason[]
/** Why, of those reasons of RFC 5280 §5.3.1 that are for SVIDs. */
export const reasonInput = (otherwise: Reason) => or(choice(`Why; ${otherwise} where it is not said.`, REASON_NAMES), otherwise)

const revokeInput = {
  serial_number: maybe(text('Of one SVID: its serial number in hex, with or without colons.')),
  authority_id: maybe(text('With serial_number: the X.509 authority that signed it, where no record says which.')),
  certificate: maybe(text('One SVID: its certificate as PEM.')),
  spiffe_id: maybe(text('All that live with this SPIFFE ID.')),
  entry_id: maybe(text('All that live and were made for this entry, whether or not it is still there.')),
  agent_id: maybe(text('All that live and were given to this agent: its own, and those for its workloads.')),
  reason: reasonInput('unspecified'),
}
const revokedOutput = {
  revoked: int('How many were revoked now.'),
  already_revoked: int('How many of them were revoked before.'),
}
const one = { authority_id: text('The X.509 authority that signed it.'), serial_number: text('Its serial number in hex.') }
const pageInput = {
  after: or(text('Key to begin after.'), ''),
  limit: or(int('How many at most.'), 0),
  spiffe_id: maybe(text('Only those with this SPIFFE ID.')),
}
const MAX_PAGE = 1_000

export function revokePaths(roomsOf: RoomsOf): Path[] {
  return [
    path('svid/revoke', 'Revoking X509-SVIDs.', {}, (op) => ({
      write: op({
        doc: 'Revoke X509-SVIDs: one, or all of a SPIFFE ID, an entry or an agent. They are on the next revocation list at once.',
        input: revokeInput,
        output: revokedOutput,
        run: (ctx, input) => revoke(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('svid/revoked', 'X509-SVIDs that are revoked.', {}, (op) => ({
      list: op({
        doc: 'List those that revocation lists name, by authority and serial number.',
        input: pageInput,
        run({ mount }, { after, limit, spiffe_id: id }) {
          const { page } = roomsOf(mount).revocations
          const named = (from: string, most: number) => page(from, most).map((each) => ({ ...each, id: keyOf(each) }))
          const span = { after, limit: limit > 0 ? Math.min(limit, MAX_PAGE) : MAX_PAGE }
          const found = findPage(named, ({ spiffeId }) => id === undefined || spiffeId === id, span)
          return keys(
            found.map((each) => each.id),
            Object.fromEntries(found.map((each) => [each.id, describe(each)])),
          )
        },
      }),
    })),
    path('svid/revoked/:authority_id/:serial_number', 'One X509-SVID that is revoked.', one, (op) => ({
      read: op({
        doc: 'Read why and when it was revoked.',
        run({ mount }, { authority_id: authority, serial_number: serial }) {
          const found = roomsOf(mount).revocations.get({ authority, serial: serialText(serial.replaceAll(':', '')) })
          return found ? data(describe(found)) : missing()
        },
      }),
    })),
  ]
}

async function revoke(rooms: Spiffe, ctx: Ctx, input: Values<typeof revokeInput>): Promise<Reply> {
  const found = await wanted(rooms, ctx.clock.now(), input)
  if (found.length === 0) ctx.warn('no X509-SVID that lives is known of it')
  return data(await revokeAll(rooms, found, input.reason))
}

/** What became of them. */
export async function revokeAll({ revocations }: Pick<Spiffe, 'revocations'>, found: readonly Revocable[], reason: Reason): Promise<JsonObject> {
  const revoked = await revocations.add(found, reason)
  return { revoked, already_revoked: found.length - revoked }
}

const TRAITS = { spiffe_id: 'spiffeId', entry_id: 'entry', agent_id: 'agent' } as const satisfies Readonly<Record<string, Trait>>

/** Throws `invalid` unless it is said in exactly one way which ones. */
async function wanted(rooms: Spiffe, now: number, input: Values<typeof revokeInput>): Promise<readonly Revocable[]> {
  const ways = (['serial_number', 'certificate', 'spiffe_id', 'entry_id', 'agent_id'] as const).filter((way) => input[way] !== undefined)
  const [way] = ways
  if (way === undefined || ways.length > 1) {
    throw new Fault('invalid', 'exactly one of serial_number, certificate, spiffe_id, entry_id and agent_id is needed')
  }
  if (input.authority_id !== undefined && way !== 'serial_number') throw new Fault('invalid', 'authority_id goes with serial_number only')
  const value = input[way] as string
  if (way === 'certificate') return [await fromCertificate(rooms, value, now)]
  if (way === 'serial_number') return [await fromSerial(rooms, value, input.authority_id)]
  return allOf(rooms, way, value)
}

async function allOf(rooms: Spiffe, way: keyof typeof TRAITS, value: string): Promise<readonly Revocable[]> {
  needRecords(rooms)
  if (way !== 'entry_id') {
    const home = rooms.settings.need().trustDomain
    if (trustDomainOf(parseSpiffeId(value)) !== home) throw new Fault('invalid', `"${value}" is not a member of trust domain "${home}"`)
  }
  return rooms.issued.find(TRAITS[way], value)
}

/** Throws `invalid` where nobody knows which SVIDs there are. */
export function needRecords({ settings }: Pick<Spiffe, 'settings'>): void {
  if (settings.need().trackSvids) return
  throw new Fault('invalid', 'track_svids is off in spiffe/config, so that X509-SVIDs can be revoked by certificate or serial number only')
}

async function fromCertificate({ authorities, issued }: Spiffe, pem: string, now: number): Promise<Revocable> {
  const [der] = fromPem(pem)
  if (!der) throw new Fault('invalid', 'certificate: there is no certificate in PEM')
  const certificate = openCertificate(der)
  const id = certificateId(certificate)
  const signer = authorities.x509(id.authority)
  if (!signer || !certificate.verify(createPublicKey(signer.key.key))) {
    throw new Fault('invalid', 'certificate: no X.509 authority of this server signed it')
  }
  checkTime(certificate, now)
  const known = (await issued.find('serial', id.serial)).find(({ authority }) => authority === id.authority)
  return known ?? { ...NOTHING_KNOWN, ...id, spiffeId: extensionsOf(certificate).uris[0] ?? '', expiresAt: certificate.validToDate.getTime() }
}

const NOTHING_KNOWN = { spiffeId: '', entry: '', agent: '' }

/** By its record; without one by the authority that is named, or the only one there is. */
async function fromSerial(rooms: Spiffe, given: string, named: string | undefined): Promise<Revocable> {
  const { authorities, issued, revocations, settings } = rooms
  const hex = given.replaceAll(':', '')
  if (!/^[0-9a-f]{1,40}$/i.test(hex)) throw new Fault('invalid', 'serial_number: expected up to 20 bytes in hex')
  const serial = serialText(hex)
  const all = authorities.set().x509
  if (named !== undefined && !all.some(({ id }) => id === named)) throw new Fault('invalid', `no x509 authority has the ID "${named}"`)
  const candidates = all.filter(({ id }) => named === undefined || id === named)
  const before = candidates.flatMap(({ id }) => revocations.get({ authority: id, serial }) ?? [])[0]
  const known = before ?? (await issued.find('serial', serial)).find(({ authority }) => candidates.some(({ id }) => id === authority))
  if (known) return known
  if (named === undefined && settings.need().trackSvids) throw new Fault('invalid', `no X509-SVID that lives has the serial number ${serial}`)
  const [authority, ...more] = candidates
  if (!authority || more.length > 0) throw new Fault('invalid', 'authority_id is needed: there are several X.509 authorities')
  return { ...NOTHING_KNOWN, authority: authority.id, serial, expiresAt: authority.expiresAt }
}

function describe({ authority, serial, spiffeId, entry, agent, expiresAt, revokedAt, reason }: Revoked): JsonObject {
  return {
    authority_id: authority,
    serial_number: serial,
    spiffe_id: spiffeId,
    entry_id: entry,
    agent_id: agent,
    expires_at: new Date(expiresAt).toISOString(),
    revoked_at: new Date(revokedAt).toISOString(),
    reason,
  }
}
