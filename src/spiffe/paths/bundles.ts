// spiffe/bundles: what is believed of foreign trust domains.
import { choice, int, maybe, or, text, type Values } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { Fault } from '../../base/fault.ts'
import { type FederatedBundle, REMOVALS, WHENS } from '../federated-bundles.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { bundleInput, bundleReply, describeBundle, FORMS, formInput, readBundle } from './bundle-data.ts'

const MAX_PAGE = 1_000
export const foreign = { trust_domain: text('Name of the foreign trust domain.') }
export const pageInput = { after: or(text('Name to begin after.'), ''), limit: or(int('How many at most.'), 0) }
export const whenInput = or(choice('Whether it may, must not or must be there already.', WHENS), 'any')

const setInput = { bundle: bundleInput, format: formInput, when: whenInput }
const readInput = { format: maybe(choice('The bundle alone, in this form.', FORMS)) }
const removeInput = {
  mode: or(choice('What becomes of entries that federate with it: refuse, change them, or delete them too.', REMOVALS), 'restrict'),
}

export function bundlePaths(roomsOf: RoomsOf): Path[] {
  return [
    path('bundles', 'Bundles of foreign trust domains.', {}, (op) => ({
      list: op({
        doc: 'List them in the order of their names.',
        input: pageInput,
        run({ mount }, { after, limit }) {
          const rooms = roomsOf(mount)
          const found = rooms.bundles.page(after, pageOf(limit))
          return keys(
            found.map(({ trustDomain }) => trustDomain),
            Object.fromEntries(found.map((one) => [one.trustDomain, describe(one)])),
          )
        },
      }),
    })),
    path('bundles/:trust_domain', 'The bundle of a foreign trust domain.', foreign, (op) => ({
      read: op({
        doc: 'Read it.',
        input: readInput,
        run({ mount }, { trust_domain: name, format }) {
          const found = roomsOf(mount).bundles.get(parseTrustDomain(name))
          if (!found) return missing()
          return format === undefined ? data(describe(found)) : bundleReply(found, format)
        },
      }),
      write: op({
        doc: 'Set it: identities of that trust domain are believed by it from now on.',
        access: 'sudo',
        input: setInput,
        run: ({ mount }, input) => set(roomsOf(mount), input),
      }),
      delete: op({
        doc: 'Remove it.',
        access: 'sudo',
        input: removeInput,
        run: async ({ mount }, { trust_domain: name, mode }) =>
          (await roomsOf(mount).bundles.remove(parseTrustDomain(name), mode)) ? empty() : missing(),
      }),
    })),
  ]
}

export const pageOf = (limit: number): number => (limit > 0 ? Math.min(limit, MAX_PAGE) : MAX_PAGE)

async function set({ bundles, settings }: Spiffe, input: Values<typeof setInput & typeof foreign>): Promise<Reply> {
  const trustDomain = parseTrustDomain(input.trust_domain)
  if (trustDomain === settings.need().trustDomain) throw new Fault('invalid', `"${trustDomain}" is this trust domain, and no foreign one`)
  const written = await bundles.set(readBundle(trustDomain, input.bundle, input.format), input.when)
  return written ? data({ ...describe(written.bundle), existed: written.existed }) : missing()
}

function describe(bundle: FederatedBundle): JsonObject {
  return { ...describeBundle(bundle), updated_at: new Date(bundle.updatedAt).toISOString() }
}
