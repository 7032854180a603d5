// What is settled about a trust domain: its name, once and for all, and how long things live in it.
import { Fault } from '../base/fault.ts'
import type { KeyType } from '../crypto/signing-key.ts'
import type { SpiffeId, TrustDomain } from '../crypto/spiffe-id.ts'
import { records } from '../store/records.ts'
import { transact } from '../store/transact.ts'
import type { Kind } from './authority-set.ts'
import type { Place } from './place.ts'

/** Durations in seconds. */
export interface Settings {
  readonly trustDomain: TrustDomain
  /** Lifetime of an authority of whatever kind. */
  readonly authorityTtl: number
  readonly x509SvidTtl: number
  readonly jwtSvidTtl: number
  /** 0 for that of X509-SVIDs. */
  readonly witSvidTtl: number
  readonly agentTtl: number
  readonly x509KeyType: KeyType
  readonly jwtKeyType: KeyType
  readonly witKeyType: KeyType
  /** Whether there are WIT-SVIDs, and their keys in the bundle: servers of SPIRE before 1.15.3 refuse a bundle that has them. */
  readonly witSvids: boolean
  /** The `iss` of JWT-SVIDs: the https URL where the OIDC discovery document is served; '' for none. */
  readonly jwtIssuer: string
  /** How often consumers of the bundle shall look again. */
  readonly refreshHint: number
  /** SPIFFE IDs, also of foreign trust domains, whose SVIDs may administer this one. */
  readonly adminIds: readonly SpiffeId[]
  /** Whether it is recorded which X509-SVIDs live and for whom, so that they can be revoked by that. */
  readonly trackSvids: boolean
}

export const DEFAULTS: Omit<Settings, 'trustDomain'> = {
  authorityTtl: 86_400,
  x509SvidTtl: 3_600,
  jwtSvidTtl: 300,
  witSvidTtl: 0,
  agentTtl: 3_600,
  x509KeyType: 'ec-p256',
  jwtKeyType: 'ec-p256',
  witKeyType: 'ec-p256',
  witSvids: false,
  jwtIssuer: '',
  refreshHint: 300,
  adminIds: [],
  trackSvids: true,
}

export const entry = records<Settings>('settings/')
export const ONLY = 'trust-domain'

export interface SettingsRoom {
  /** Undefined before the trust domain has a name. */
  get(): Settings | undefined
  /** The same; throws `invalid` where there is none yet. */
  need(): Settings
  /** The same; throws `unsupported` where the trust domain has nothing of this kind. */
  needKind(kind: Kind): Settings
  /** Names the trust domain, or changes what may change. Throws `invalid` for another name. */
  set(settings: Settings): Promise<void>
}

export function openSettings(place: Place): SettingsRoom {
  const current = place.cache(entry.key(''), () => {
    const stored = entry.get(place.store, ONLY)
    return stored && { ...DEFAULTS, ...stored }
  })
  function need(): Settings {
    const settings = current()
    if (!settings) throw new Fault('invalid', 'the trust domain has no name yet; write trust_domain to spiffe/config')
    return settings
  }
  return {
    get: current,
    need,
    needKind(kind) {
      const settings = need()
      if (kind === 'wit' && !settings.witSvids)
        throw new Fault('unsupported', 'WIT-SVIDs are off in this trust domain; write wit_svids=true to spiffe/config')
      return settings
    },
    async set(settings) {
      check(settings)
      await transact(place.store, (tx) => {
        const before = entry.get(tx, ONLY)
        if (before && before.trustDomain !== settings.trustDomain) throw new Fault('invalid', 'the name of a trust domain cannot be changed')
        entry.put(tx, ONLY, settings)
      })
    },
  }
}

function check(settings: Settings): void {
  const { authorityTtl, x509SvidTtl, jwtSvidTtl, witSvidTtl, agentTtl, jwtIssuer, jwtKeyType, witKeyType } = settings
  const longest = Math.max(x509SvidTtl, jwtSvidTtl, witSvidTtl, agentTtl)
  if (Math.min(authorityTtl, x509SvidTtl, jwtSvidTtl, witSvidTtl || x509SvidTtl, agentTtl) < 1)
    throw new Fault('invalid', 'lifetimes must be at least a second')
  if (longest > authorityTtl / 6) throw new Fault('invalid', 'lifetimes of SVIDs cannot exceed a sixth of authority_ttl')
  if (jwtIssuer !== '' && !/^https:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(jwtIssuer)) throw new Fault('invalid', 'jwt_issuer must be an https URL')
  if (jwtKeyType === 'ml-dsa-65') throw new Fault('invalid', 'jwt_key_type: JWT-SVIDs cannot be signed with ML-DSA')
  if (witKeyType === 'ml-dsa-65') throw new Fault('invalid', 'wit_key_type: WIT-SVIDs cannot be signed with ML-DSA')
}
