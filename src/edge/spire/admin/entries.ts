// spire.api.server.entry.v1.Entry for administrators.
import type { JsonObject } from '../../../base/json.ts'
import { GrpcError, type Services, STATUS, unary } from '../../../wire/grpc.ts'
import type { Of } from '../../../wire/protobuf.ts'
import type { Ask } from '../ask.ts'
import { idText, masked, matchName, nameIn, number, toEntry, selectorText } from '../convert.ts'
import { EntryMessage } from '../messages.ts'
import { type AdminAsk, adminAsk, each, listed, OK, told } from './asking.ts'
import * as wire from './messages.ts'

type Mask = Readonly<Record<string, unknown>> | undefined

export function entryServices(ask: Ask): Services {
  return {
    'spire.api.server.entry.v1.Entry': {
      CountEntries: unary(wire.CountEntriesRequest, wire.Count, async ({ peer }, { filter }) => ({
        count: number((await adminAsk(ask, peer)('read', 'count/entries', filterOf(filter)))['count']),
      })),
      ListEntries: unary(wire.ListEntriesRequest, wire.ListEntriesResponse, async ({ peer }, { filter, outputMask, ...page }) => {
        const { found, nextPageToken } = await listed(adminAsk(ask, peer), 'entries', filterOf(filter), page)
        return { entries: found.map((one) => maskedEntry(one, outputMask)), nextPageToken }
      }),
      GetEntry: unary(wire.GetEntryRequest, EntryMessage, async ({ peer }, { id, outputMask }) => {
        if (id === '') throw new GrpcError(STATUS.invalid, 'missing ID')
        return maskedEntry(await adminAsk(ask, peer)('read', pathOf(id), {}, 'entry not found'), outputMask)
      }),
      BatchCreateEntry: unary(wire.BatchCreateEntryRequest, wire.EntryResults, async ({ peer }, { entries, outputMask }) => ({
        results: await each(entries, (one) => create(adminAsk(ask, peer), one, outputMask)),
      })),
      BatchUpdateEntry: unary(wire.BatchUpdateEntryRequest, wire.EntryResults, async ({ peer }, { entries, inputMask, outputMask }) => ({
        results: await each(entries, (one) => update(adminAsk(ask, peer), one, inputMask, outputMask)),
      })),
      BatchDeleteEntry: unary(wire.BatchDeleteEntryRequest, wire.BatchDeleteEntryResponse, async ({ peer }, { ids }) => {
        const results = await each(ids, async (id) => {
          if (id === '') throw new GrpcError(STATUS.invalid, 'missing entry ID')
          await adminAsk(ask, peer)('delete', pathOf(id), {}, 'entry not found')
          return { status: OK }
        })
        return { results: results.map((one, at) => ({ ...one, id: ids[at] ?? '' })) }
      }),
    },
  }
}

/** An id that none can have leads nowhere, and not to another path. */
function pathOf(id: string): string {
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(id) || /^\.{1,2}$/.test(id)) throw new GrpcError(STATUS.notFound, 'entry not found')
  return `entries/${id}`
}

/** What an entry is known by stays, whatever the mask says. */
function maskedEntry(entry: JsonObject, mask: Mask): Partial<EntryMessage> {
  const whole = toEntry(entry)
  return { ...masked(whole, mask), ...(whole.id === undefined ? {} : { id: whole.id }) }
}

async function create(ask: AdminAsk, entry: Partial<EntryMessage>, mask: Mask) {
  const input = { ...inputOf(entry), ...(entry.id ? { id: entry.id } : {}) }
  const made = await told(ask('write', 'entries', input), STATUS.invalid, STATUS.invalid, 'failed to convert entry')
  const status = made['existed'] === true ? { code: STATUS.alreadyExists, message: 'similar entry already exists' } : OK
  return { status, entry: maskedEntry(made, mask) }
}

async function update(ask: AdminAsk, entry: Partial<EntryMessage>, inputMask: Mask, outputMask: Mask) {
  const asked = ask('write', pathOf(entry.id ?? ''), inputOf(entry, inputMask), 'entry not found')
  return { status: OK, entry: maskedEntry(await told(asked, STATUS.invalid, STATUS.invalid, 'failed to convert entry'), outputMask) }
}

/** The fields that a mask names; all of them where there is none. */
function inputOf(entry: Partial<EntryMessage>, mask?: Mask): JsonObject {
  const { additionalAttributes: more } = entry
  const fields: Readonly<Record<keyof Omit<EntryMessage, 'id' | 'revisionNumber' | 'createdAt'>, JsonObject>> = {
    spiffeId: { spiffe_id: idText(entry.spiffeId) },
    parentId: { parent_id: idText(entry.parentId) },
    selectors: { selectors: (entry.selectors ?? []).map(selectorText) },
    x509SvidTtl: { x509_svid_ttl: entry.x509SvidTtl ?? 0 },
    jwtSvidTtl: { jwt_svid_ttl: entry.jwtSvidTtl ?? 0 },
    federatesWith: { federates_with: [...(entry.federatesWith ?? [])] },
    admin: { admin: entry.admin ?? false },
    downstream: { downstream: entry.downstream ?? false },
    expiresAt: { expires_at: entry.expiresAt ?? 0 },
    dnsNames: { dns_names: [...(entry.dnsNames ?? [])] },
    storeSvid: { store_svid: entry.storeSvid ?? false },
    hint: { hint: entry.hint ?? '' },
    additionalAttributes: {
      disable_x509_svid_prefetch: more?.disableX509SvidPrefetch ?? false,
      jwt_svid_include_jti: more?.jwtSvidIncludeJti ?? false,
    },
  }
  const named = Object.entries(fields).filter(([name]) => !mask || mask[name] === true)
  return Object.assign({}, ...named.map(([, input]) => input)) as JsonObject
}

function filterOf(filter: Partial<Of<typeof wire.EntryFilter>> | undefined): JsonObject {
  const { bySpiffeId, byParentId, bySelectors, byFederatesWith, byHint, byDownstream } = filter ?? {}
  if (bySelectors && !bySelectors.selectors?.length) throw new GrpcError(STATUS.invalid, 'malformed selectors filter: empty selector set')
  if (byFederatesWith && !byFederatesWith.trustDomains?.length)
    throw new GrpcError(STATUS.invalid, 'malformed federates with filter: empty trust domain set')
  return {
    ...(bySpiffeId ? { spiffe_id: idText(bySpiffeId) } : {}),
    ...(byParentId ? { parent_id: idText(byParentId) } : {}),
    ...(bySelectors ? { selectors: (bySelectors.selectors ?? []).map(selectorText), selectors_match: matchName(bySelectors.match) } : {}),
    ...(byFederatesWith
      ? {
          federates_with: (byFederatesWith.trustDomains ?? []).map((one) => nameIn(one, 'malformed federates with filter')),
          federates_with_match: matchName(byFederatesWith.match),
        }
      : {}),
    ...(byHint ? { hint: byHint.value ?? '' } : {}),
    ...(byDownstream ? { downstream: byDownstream.value ?? false } : {}),
  }
}
