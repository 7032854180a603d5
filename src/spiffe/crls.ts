// One revocation list (RFC 5280 §5) for each X.509 authority in the bundle, from the commit that publishes the authority to the one that drops it.
import type { Clock } from '../base/ports.ts'
import { issueCrl, type Listed } from '../crypto/crl.ts'
import { extensionsOf, openCertificate } from '../crypto/x509-reading.ts'
import { records } from '../store/records.ts'
import type { Tx } from '../store/transact.ts'
import type { Authority } from './authority-set.ts'
import { BACKDATED, issuerOf, type Signer } from './make-authority.ts'
import type { Place } from './place.ts'
import type { SettingsRoom } from './settings.ts'

/** Times in wall milliseconds. */
export interface Crl {
  /** Id of the authority that signed it. */
  readonly authority: string
  readonly number: number
  readonly thisUpdate: number
  readonly nextUpdate: number
  /** How many certificates it names. */
  readonly count: number
  readonly der: Buffer
}

export interface Crls {
  /** Undefined for an authority that may sign none. */
  of(authority: string): Crl | undefined
  all(): Crl[]
  /** Part of a commit of somebody else's: a list that names nobody yet, where the authority may sign one. */
  begin(tx: Tx, signer: Signer): void
  /** Part of a commit of somebody else's: the authority is one no more. */
  end(tx: Tx, authority: string): void
  /** Part of a commit of somebody else's: the next list. */
  issue(tx: Tx, signer: Signer, listed: readonly Listed[]): void
}

/** As stored: bytes as base64. */
type Stored = Omit<Crl, 'der'> & { readonly der: string }

export const crls = records<Stored>('crl/')
const CACHED = 100
const DAY = 86_400_000

export function openCrls({ place, clock, settings }: { place: Place; clock: Clock; settings: SettingsRoom }): Crls {
  const { store } = place
  const cached = place.keyed(crls.key(''), (id) => opened(crls.get(store, id)), CACHED)

  /** So long that an agent whose server is away has lists as long as SVIDs: none of them lives longer than a sixth of an authority. */
  const life = (): number => Math.max(DAY, (settings.need().authorityTtl * 1000) / 2)

  function issue(tx: Tx, signer: Signer, listed: readonly Listed[]): void {
    const { id: authority } = signer.authority
    if (!maySign(signer.authority)) return
    const number = (crls.get(tx, authority)?.number ?? 0) + 1
    const thisUpdate = clock.now() - BACKDATED
    const nextUpdate = clock.now() + life()
    const der = issueCrl({ number, thisUpdate, nextUpdate, listed }, issuerOf(signer))
    crls.put(tx, authority, { authority, number, thisUpdate, nextUpdate, count: listed.length, der: der.toString('base64') })
  }

  return {
    of: cached,
    all: () => crls.ids(store).flatMap((id) => cached(id) ?? []),
    begin: (tx, signer) => issue(tx, signer, []),
    end: (tx, authority) => crls.delete(tx, authority),
    issue,
  }
}

/** At half its life, so that nobody is left with one that ended. */
export const isStale = ({ thisUpdate, nextUpdate }: Crl, now: number): boolean => now >= thisUpdate + (nextUpdate - thisUpdate) / 2

/** An upstream authority may have given it no such power, and then nobody would believe its list. */
export function maySign({ chain = [], root = '' }: Authority): boolean {
  return extensionsOf(openCertificate(Buffer.from(chain[0] ?? root, 'base64'))).usage?.crlSign ?? true
}

function opened(record: Stored | undefined): Crl | undefined {
  return record && { ...record, der: Buffer.from(record.der, 'base64') }
}
