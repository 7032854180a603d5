// Revoked certificates: known to every process from the commit on, and named by the list of their authority until it would not be believed anyway.
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { Reason } from '../crypto/crl.ts'
import type { CertificateId, IsRevoked } from '../crypto/x509-svid.ts'
import { decode, records } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Authorities } from './authorities.ts'
import { type Crls, isStale, maySign } from './crls.ts'
import type { IssuedSvid } from './issued.ts'
import type { Signer } from './make-authority.ts'
import type { Place } from './place.ts'

/** What is known of it besides; '' for what is not. */
export interface Revoked extends Omit<IssuedSvid, 'spiffeId'> {
  readonly spiffeId: string
  /** Milliseconds. */
  readonly revokedAt: number
  readonly reason: Reason
}

export type Revocable = Omit<Revoked, 'revokedAt' | 'reason'>

export interface Revocations {
  has: IsRevoked
  get(certificate: CertificateId): Revoked | undefined
  /** In the order of authorities and serial numbers, after `after` (`<authority>/<serial>`), at most `limit`. */
  page(after: string, limit: number): Revoked[]
  /** How many of them were not revoked before. What an authority signed that is none any more is passed over. Throws `invalid` for too many. */
  add(certificates: readonly Revocable[], reason: Reason): Promise<number>
  /** Renews lists, and drops what need not be named any longer; at most `limit` of authorities that are gone. */
  sweep(limit: number): Promise<void>
}

export const revoked = records<Revoked>('revoked/')
export const keyOf = ({ authority, serial }: CertificateId): string => `${authority}/${serial}`
/** In one commit. */
const AT_ONCE = 1_000
/** Of one authority: its list goes to every workload, whose clients take messages of 4 MiB at most. */
export const MOST = 10_000

export interface RevocationsDeps {
  readonly place: Place
  readonly clock: Clock
  readonly authorities: Authorities
  readonly crls: Crls
}

export function openRevocations(deps: RevocationsDeps): Revocations {
  const { place, clock, authorities, crls } = deps
  const { store } = place
  const isOurs = (authority: string): boolean => authorities.set().x509.some(({ id }) => id === authority)
  const find = (one: CertificateId): Revoked | undefined => (isOurs(one.authority) ? revoked.get(store, keyOf(one)) : undefined)

  function addSome(tx: Tx, some: readonly Revocable[], reason: Reason): number {
    const revokedAt = clock.now()
    const fresh = some.filter((one) => !revoked.get(tx, keyOf(one))).map((one) => ({ ...one, revokedAt, reason }))
    let count = 0
    for (const [authority, added] of Map.groupBy(fresh, (one) => one.authority)) {
      const signer = authorities.x509(authority)
      if (!signer) continue
      list(deps, tx, signer, added)
      count += added.length
    }
    return count
  }

  return {
    has: (certificate) => find(certificate) !== undefined,
    get: find,
    page: (after, limit) => revoked.ids(store, { limit, ...(after === '' ? {} : { after }) }).flatMap((id) => revoked.get(store, id) ?? []),
    async add(certificates, reason) {
      const all = [...new Map(certificates.map((one) => [keyOf(one), one])).values()]
      checkRoom(
        crls,
        all.filter((one) => !find(one)),
      )
      let count = 0
      for (let from = 0; from < all.length; from += AT_ONCE) {
        count += await transact(store, (tx) => addSome(tx, all.slice(from, from + AT_ONCE), reason))
      }
      return count
    },
    async sweep(limit) {
      for (const authority of authorities.set().x509) {
        const crl = crls.of(authority.id)
        const signer = authorities.x509(authority.id)
        if (signer && (crl ? isStale(crl, clock.now()) : maySign(authority))) await transact(store, (tx) => list(deps, tx, signer, []))
      }
      await forgetGone(store, isOurs, limit)
    },
  }
}

/** The next list of an authority: with these, and without those that a list named after they had ended (§3.3). */
function list({ place, crls }: RevocationsDeps, tx: Tx, signer: Signer, added: readonly Revoked[]): void {
  const { id } = signer.authority
  const before = crls.of(id)?.thisUpdate ?? 0
  const known = Array.from(place.store.range({ prefix: revoked.key(`${id}/`) }), ({ value }) => decode<Revoked>(value))
  const isOver = ({ expiresAt }: Revoked): boolean => expiresAt < before
  for (const one of known.filter(isOver)) revoked.delete(tx, keyOf(one))
  for (const one of added) revoked.put(tx, keyOf(one), one)
  const listed = [...known.filter((one) => !isOver(one)), ...added]
  crls.issue(
    tx,
    signer,
    listed.map(({ serial, revokedAt: at, reason }) => ({ serial, at, reason })),
  )
}

/** Before anything is written. */
function checkRoom(crls: Crls, fresh: readonly Revocable[]): void {
  for (const [authority, added] of Map.groupBy(fresh, (one) => one.authority)) {
    if (added.length + (crls.of(authority)?.count ?? 0) <= MOST) continue
    throw new Fault(
      'invalid',
      `at most ${MOST} certificates of an X.509 authority can be revoked; let another one sign, then taint and revoke ${authority} itself`,
    )
  }
}

/** What authorities signed that are none any more: it is believed by nobody anyway. */
async function forgetGone(store: Store, isOurs: (authority: string) => boolean, limit: number): Promise<void> {
  for (let after = ''; ; ) {
    const [first] = revoked.ids(store, { limit: 1, ...(after === '' ? {} : { after }) })
    const authority = first?.slice(0, first.indexOf('/'))
    if (authority === undefined) return
    if (!isOurs(authority)) {
      const ids = revoked.ids(store, { prefix: `${authority}/`, limit })
      return transact(store, (tx) => ids.forEach((id) => revoked.delete(tx, id)))
    }
    after = `${authority}0` // past its slash
  }
}
