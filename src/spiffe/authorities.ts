// The authorities of a trust domain at work: made, rotated, and signing; their keys lie behind the barrier.
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Bundle, TokenAuthority } from '../crypto/bundle.ts'
import { type CertificateSpec, issueCertificate, type Name, newSerial, serialText } from '../crypto/certificate.ts'
import { exportSigningKey, keyIdentifier, openSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { type SpiffeId, spiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import type { CertificateId } from '../crypto/x509-svid.ts'
import { records } from '../store/records.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Crls } from './crls.ts'
import type { Place } from './place.ts'
import * as authoritySet from './authority-set.ts'
import type { Authority, AuthoritySet, Guest, Guests, Kind } from './authority-set.ts'
import { BACKDATED, issuerOf, makeAuthority, nameOf, type Signer } from './make-authority.ts'
import { openRotation } from './rotation.ts'
import type { Settings, SettingsRoom } from './settings.ts'
import type { Upstream } from './upstream.ts'

export interface AuthoritiesDeps {
  readonly place: Place
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly settings: SettingsRoom
  /** Who signs our X.509 authorities; they sign themselves where there is none. */
  readonly upstream?: Upstream | undefined
  /** Told in the same commit: of new X.509 authorities, and of those that go. */
  readonly crls?: Pick<Crls, 'begin' | 'end'>
}

export interface Authorities {
  set(): AuthoritySet
  /** What the trust domain publishes. */
  bundle(): Bundle
  /** The active authority of a kind; throws `invalid` before the trust domain has one, and `unsupported` for one that it is to have none of. */
  signer(kind: Kind): Signer
  /** The X.509 authority with this id; undefined where there is none. */
  x509(id: string): Signer | undefined
  prepare(kind: Kind): Promise<Authority>
  activate(kind: Kind, id: string): Promise<Authority>
  taint(kind: Kind, id: string): Promise<Authority>
  revoke(kind: Kind, id: string): Promise<Authority>
  /** Of all old X.509 authorities that this upstream authority signed. Throws `invalid`. */
  taintUpstream(id: string): Promise<void>
  revokeUpstream(id: string): Promise<void>
  /** Publishes authorities of others with ours. Throws `invalid`. */
  publish(guests: Guests): Promise<void>
  /**
   * Does what is due: first authorities, rotation, removal of what expired. Unless it `waits`, an upstream authority is asked meanwhile,
   * and again later where it failed.
   */
  rotate(waits?: boolean): Promise<void>
}

export const sets = records<AuthoritySet>('authorities/')
export const ALL = 'all'
export const KEYS = 'authority-key/'

export function openAuthorities(deps: AuthoritiesDeps): Authorities {
  const { place, settings, crls } = deps
  const { store } = place
  const current = place.cache(sets.key(''), () => authoritySet.openSet(sets.get(store, ALL)))
  const signing = place.keyed(KEYS, (id) => openStored(store.get(KEYS + id)?.value, find(current(), id)), 16)

  async function change(step: (set: AuthoritySet) => AuthoritySet, made?: Signer): Promise<AuthoritySet> {
    return transact(store, (tx) => {
      const before = authoritySet.openSet(sets.get(tx, ALL))
      const after = step(before)
      if (after === before) return before
      sets.put(tx, ALL, after)
      if (made) begin(tx, made, crls)
      for (const { id } of missing(before, after)) end(tx, id, crls)
      return after
    })
  }

  async function prepare(kind: Kind): Promise<Authority> {
    settings.needKind(kind)
    const { authority, key, guests } = await makeAuthority(kind, settings.need(), deps)
    await change((set) => authoritySet.withGuests(authoritySet.withPrepared(set, kind, authority), guests), { authority, key })
    return authority
  }

  async function move(kind: Kind, id: string, step: typeof authoritySet.withActivated): Promise<Authority> {
    settings.needKind(kind)
    const before = find(current(), id)
    const after = await change((set) => step(set, kind, id))
    return (find(after, id) ?? before) as Authority
  }

  return {
    set: current,
    bundle: () => bundleOf(current(), settings.need()),
    signer(kind) {
      settings.needKind(kind)
      const found = withKey(authoritySet.activeOf(current(), kind), signing)
      if (!found) throw new Error(`the trust domain has no active ${kind} authority`)
      return found
    },
    x509: (id) => withKey(x509With(current(), id), signing),
    prepare,
    activate: (kind, id) => move(kind, id, authoritySet.withActivated),
    taint: (kind, id) => move(kind, id, authoritySet.withTainted),
    revoke: (kind, id) => move(kind, id, authoritySet.withRevoked),
    async taintUpstream(id) {
      await change((set) => authoritySet.withUpstreamTainted(set, id))
    },
    async revokeUpstream(id) {
      await change((set) => authoritySet.withUpstreamRevoked(set, id))
    },
    async publish(guests) {
      await change((set) => authoritySet.withGuests(set, guests))
    },
    rotate: openRotation({ ...deps, current, prepare, change }),
  }
}

const x509With = (set: AuthoritySet, id: string): Authority | undefined => set.x509.find((one) => one.id === id)

function withKey(authority: Authority | undefined, keyOf: (id: string) => SigningKey | undefined): Signer | undefined {
  const key = authority && keyOf(authority.id)
  return authority && key && { authority, key }
}

type Lists = AuthoritiesDeps['crls']

function begin(tx: Tx, { authority, key }: Signer, crls: Lists): void {
  tx.put(KEYS + authority.id, exportSigningKey(key))
  if (authority.root !== undefined) crls?.begin(tx, { authority, key })
}

function end(tx: Tx, id: string, crls: Lists): void {
  tx.delete(KEYS + id)
  crls?.end(tx, id)
}

function find(set: AuthoritySet, id: string): Authority | undefined {
  return authoritySet.allOf(set).find((one) => one.id === id)
}

function missing(before: AuthoritySet, after: AuthoritySet): Authority[] {
  return authoritySet.allOf(before).filter(({ id }) => !find(after, id))
}

function openStored(pkcs8: Buffer | undefined, authority: Authority | undefined): SigningKey | undefined {
  if (!pkcs8 || !authority) return undefined
  try {
    return openSigningKey(authority.keyType, pkcs8)
  } finally {
    pkcs8.fill(0)
  }
}

function bundleOf(set: AuthoritySet, { trustDomain, refreshHint }: Settings): Bundle {
  const guests = authoritySet.guestsOf(set)
  const roots = new Set([...set.x509.map(({ root = '' }) => root), ...guests.x509.map(({ id }) => id)]) // of one upstream authority several have it
  return {
    trustDomain,
    x509Authorities: Array.from(roots, (root) => Buffer.from(root, 'base64')),
    jwtAuthorities: keysOf(set.jwt, guests.jwt),
    witAuthorities: keysOf(set.wit, guests.wit),
    refreshHint,
    sequence: set.sequence,
  }
}

function keysOf(own: readonly Authority[], guests: readonly Guest[]): TokenAuthority[] {
  const others = guests.filter(({ id }) => !own.some((one) => one.id === id))
  return [...own, ...others].map(({ id, publicKey, expiresAt }) => ({
    keyId: id,
    publicKey: Buffer.from(publicKey, 'base64'),
    expiresAt: expiresAt || undefined,
  }))
}

export interface X509Svid extends CertificateId {
  /** DER, leaf first, without the root. */
  readonly chain: readonly Buffer[]
  /** Milliseconds. */
  readonly expiresAt: number
}

export interface X509SvidSpec {
  readonly id: SpiffeId
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  /** Seconds. */
  readonly ttl: number
  readonly dnsNames: readonly string[]
  readonly subject: Name
}

/** Signs a leaf that ends no later than its authority. */
export function issueX509Svid(signer: Signer, spec: X509SvidSpec, now: number, random: Random): X509Svid {
  return issue(signer, { ...spec, uris: [spec.id], authority: false }, spec.ttl, now, random)
}

/** Signs an authority below this one, for a server that issues under the same trust domain; it ends no later. */
export function issueX509Ca(signer: Signer, trustDomain: TrustDomain, publicKey: Buffer, ttl: number, now: number, random: Random): X509Svid {
  const subject: Name = [['OU', `DOWNSTREAM-${(signer.authority.chain ?? []).length + 1}`], ...nameOf(keyIdentifier(publicKey).toString('hex'))]
  return issue(signer, { subject, publicKey, uris: [spiffeId(trustDomain)], dnsNames: [], authority: true }, ttl, now, random)
}

type Names = Pick<CertificateSpec, 'subject' | 'publicKey' | 'uris' | 'dnsNames' | 'authority'>

function issue({ authority, key }: Signer, names: Names, ttl: number, now: number, random: Random): X509Svid {
  const chain = (authority.chain ?? []).map((one) => Buffer.from(one, 'base64'))
  const expiresAt = Math.min(now + ttl * 1000, authority.expiresAt)
  const serial = newSerial(random)
  const certificate: CertificateSpec = { ...names, serial, notBefore: now - BACKDATED, notAfter: expiresAt }
  const der = issueCertificate(certificate, issuerOf({ authority, key }), random)
  const id = { authority: authority.id, serial: serialText(serial.toString('hex')) }
  return { ...id, chain: [der, ...chain], expiresAt: Math.floor(expiresAt / 1000) * 1000 }
}
