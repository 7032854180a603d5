// An upstream authority: somebody who signs the X.509 authorities of this trust domain, so that others trust it by a root they have.
import type { Bundle, TokenAuthority } from '../crypto/bundle.ts'
import type { Name } from '../crypto/certificate.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { TokenKind } from './authority-set.ts'

export interface UpstreamRequest {
  /** In DER, signed by the key that is to be certified. */
  readonly csr: Buffer
  /** SubjectPublicKeyInfo in DER. */
  readonly publicKey: Buffer
  readonly subject: Name
  readonly uris: readonly string[]
  /** Seconds that it shall live; it may get less. */
  readonly ttl: number
}

export interface UpstreamAnswer {
  /** DER: the new authority's certificate, then those between it and the root. */
  readonly chain: readonly Buffer[]
  /** What others have to trust; at least one. */
  readonly roots: readonly Buffer[]
}

/** All reject, within half a minute, with an Error whose message may be shown. */
export interface Upstream {
  sign(request: UpstreamRequest): Promise<UpstreamAnswer>
  /** Where it is a server of the same trust domain, whose bundle is ours as well. */
  readonly server?: UpstreamServer
}

export interface UpstreamServer {
  /** Has a key for JWT-SVIDs or WIT-SVIDs published in the bundle of the trust domain; of WIT-SVIDs a server may know nothing. */
  publish(kind: TokenKind, home: TrustDomain, key: TokenAuthority): Promise<void>
  /** The bundle as it is there, and what in it is tainted: certificates in base64, ids of keys. */
  bundle(home: TrustDomain): Promise<{ readonly bundle: Bundle; readonly tainted: ReadonlySet<string> }>
}
