// The WIT-SVID profile of the Workload API (SPIFFE_Workload_API.md §7): tokens with the keys that they are bound to, and what others are checked by.
import { formatJwks } from '../../crypto/bundle.ts'
import { parseSpiffeId, spiffeId } from '../../crypto/spiffe-id.ts'
import { KEY_KINDS, privateJwk } from '../../crypto/signing-key.ts'
import { type Call, GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import { hasWit, type WorkloadWit } from '../wit-svids.ts'
import { uniqueHints } from './hints.ts'
import { federatedFor, type Held, heldFor, holderOf, noIdentity, ownTrust } from './holdings.ts'
import type * as wire from './messages.ts'
import { subscribe, type SubscriptionDeps } from './subscription.ts'
import { inWords } from './validate.ts'

type Given = Partial<Of<typeof wire.WitSvidResponse>>

/** Of the identity that is `asked` for, or of all where it is ''. */
export async function* fetchWit(deps: SubscriptionDeps, call: Call, asked: string): AsyncGenerator<Given> {
  const { agent } = deps
  if (asked !== '') inWords(() => parseSpiffeId(asked), 'invalid requested SPIFFE ID: ')
  const { hold, release } = holderOf(agent.wit)
  try {
    yield* subscribe(deps, call, async (selectors) => {
      if (!hasWit(ownTrust(agent))) throw unsupported()
      const entries = uniqueHints(agent.matching(selectors)).filter(({ spiffeId: id }) => asked === '' || id === asked)
      if (entries.length === 0) throw noIdentity()
      hold(entries)
      return { svids: (await heldFor(agent.wit, entries, 'WIT-SVID')).map(toSvid) }
    })
  } finally {
    release()
  }
}

function toSvid({ entry, svid: { id, token, key } }: Held<WorkloadWit>): Partial<Of<typeof wire.WitSvid>> {
  return { spiffeId: id, witSvid: token, witSvidKey: JSON.stringify(privateJwk(key, KEY_KINDS[key.type].jws ?? '')), hint: entry.hint }
}

/** Who has no identity gets the bundle of this trust domain where `anyone` does. */
export function witBundles(deps: SubscriptionDeps, call: Call, anyone: boolean): AsyncGenerator<{ bundles: Record<string, string> }> {
  const { agent } = deps
  return subscribe(deps, call, async (selectors) => {
    const entries = agent.matching(selectors)
    if (entries.length === 0 && !anyone) throw noIdentity()
    const trusts = [ownTrust(agent), ...federatedFor(agent, entries)]
    if (!trusts.some(hasWit)) throw unsupported()
    const bundles = trusts.map(({ bundle }) => [spiffeId(bundle.trustDomain), JSON.stringify(formatJwks(bundle.witAuthorities))])
    return { bundles: Object.fromEntries(bundles) }
  })
}

/** Without a key for WIT-SVIDs in its bundle a trust domain has none (WIT-SVID.md §6.2). */
const unsupported = (): GrpcError => new GrpcError(STATUS.unimplemented, 'the trust domain has no WIT-SVIDs')
