// What the server shows of itself where it is known by its own SVID: renewed at half its life, when another authority signs, and when it is revoked.
import type { SecureContextOptions } from 'node:tls'
import type { Ports } from '../base/ports.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import type { CertificateId } from '../crypto/x509-svid.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { svidContext } from './svid-context.ts'

interface Identity extends CertificateId {
  readonly context: SecureContextOptions
  /** Wall milliseconds: half its life. */
  readonly renewAt: number
}

/** Gives a server its context where that is another than it has. Throws before the trust domain has an authority. */
export function openServerIdentity({
  clock,
}: Pick<Ports, 'clock'>): (spiffe: Spiffe, server: { setSecureContext(context: SecureContextOptions): void }) => void {
  let identity: Identity | undefined
  return (spiffe, server) => {
    const now = clock.now()
    const authority = spiffe.authorities.signer('x509').authority.id
    if (identity && identity.renewAt > now && identity.authority === authority && !spiffe.revocations.has(identity)) return
    identity = issue(spiffe, now)
    server.setSecureContext(identity.context)
  }
}

function issue({ svids }: Spiffe, now: number): Identity {
  const key = newSigningKey('ec-p256')
  const { chain, expiresAt, authority, serial } = svids.x509ForServer(key.publicKey)
  return { context: svidContext({ chain, key }), renewAt: now + (expiresAt - now) / 2, authority, serial }
}
