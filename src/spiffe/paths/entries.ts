// spiffe/entries: registration entries, made, found, changed and removed.
import { bool, int, list, maybe, or, seconds, text, time, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseSpiffeId, parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { type Entry, type EntrySpec, formatSubject, parseSubject, PLAIN_ENTRY } from '../entry.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { formatSelector, parseSelector } from '../selectors.ts'
import { entryFilter, entryMatcher, findPage } from './filters.ts'

const entryInput = {
  spiffe_id: maybe(text('The SPIFFE ID that the workload gets.')),
  parent_id: maybe(text('The agent, or the alias of agents, on whose nodes it runs.')),
  selectors: maybe(list('What describes the workload, as type:value; all must be true of it.')),
  x509_svid_ttl: maybe(seconds("Lifetime of X509-SVIDs; 0 for the trust domain's.")),
  jwt_svid_ttl: maybe(seconds("Lifetime of JWT-SVIDs; 0 for the trust domain's.")),
  federates_with: maybe(list('Trust domains whose bundles the workload gets too.')),
  admin: maybe(bool('Whether the workload may administer the trust domain.')),
  downstream: maybe(bool('Whether the workload is a server that issues under this trust domain.')),
  expires_at: maybe(time('When the entry ends; 0 for never.')),
  dns_names: maybe(list('DNS names in X509-SVIDs; the first is the common name.')),
  store_svid: maybe(bool('Whether the SVID is put into a secret store instead of being fetched.')),
  hint: maybe(text('Says to the workload what the identity is for.')),
  subject: maybe(text('Subject of X509-SVIDs, such as CN=orders,O=Example, for servers that read nothing else.')),
  disable_x509_svid_prefetch: maybe(bool('Issue X509-SVIDs only when they are asked for.')),
  jwt_svid_include_jti: maybe(bool('Give each JWT-SVID an id of its own.')),
}

const filterInput = { after: or(text('Id to begin after.'), ''), limit: or(int('How many at most.'), 0), ...entryFilter }

const MAX_PAGE = 1_000
const ALL = { after: '', limit: Number.POSITIVE_INFINITY }
const id = { id: text('Id of the entry.') }

export function entryPaths(roomsOf: RoomsOf): Path[] {
  return [
    path('entries', 'Registration entries: who gets which identity.', {}, (op) => ({
      list: op({ doc: 'List entries in the order of their ids.', input: filterInput, run: (ctx, input) => find(roomsOf(ctx.mount), input) }),
      write: op({
        doc: 'Make an entry.',
        input: { id: maybe(text('Id of the entry; made at random otherwise.')), ...entryInput },
        run: (ctx, input) => create(roomsOf(ctx.mount), ctx, input),
      }),
    })),
    path('count/entries', 'How many entries there are.', {}, (op) => ({
      read: op({
        doc: 'Count entries.',
        input: entryFilter,
        run: ({ mount }, input) => data({ count: findPage(roomsOf(mount).entries.page, entryMatcher(input), ALL).length }),
      }),
    })),
    path('entries/:id', 'A registration entry.', id, (op) => ({
      read: op({
        doc: 'Read an entry.',
        run({ mount }, input) {
          const entry = roomsOf(mount).entries.get(input.id)
          return entry ? data(shown(roomsOf(mount), entry)) : missing()
        },
      }),
      write: op({
        doc: 'Change an entry: what is not said stays as it is.',
        input: entryInput,
        run: async ({ mount }, input) => data(shown(roomsOf(mount), await roomsOf(mount).entries.update(input.id, (before) => merge(before, input)))),
      }),
      delete: op({
        doc: 'Remove an entry; its identities are not renewed.',
        async run({ mount }, input) {
          return (await roomsOf(mount).entries.remove(input.id)) ? empty() : missing()
        },
      }),
    })),
  ]
}

async function create(rooms: Spiffe, ctx: Ctx, input: Values<typeof entryInput> & { id: string | undefined }): Promise<Reply> {
  if (input.spiffe_id === undefined || input.parent_id === undefined) throw new Fault('invalid', 'missing spiffe_id or parent_id')
  const spec = merge(
    { ...PLAIN_ENTRY, spiffeId: parseSpiffeId(input.spiffe_id), parentId: parseSpiffeId(input.parent_id), namespace: ctx.mount.namespace },
    input,
  )
  const { entry, existed } = await rooms.entries.create(input.id === undefined ? spec : { ...spec, id: input.id })
  if (existed) ctx.warn('an entry with this SPIFFE ID, parent and selectors was there already; it is unchanged')
  return data({ ...shown(rooms, entry), existed })
}

function merge(before: EntrySpec, input: Values<typeof entryInput>): EntrySpec {
  return {
    ...before,
    spiffeId: input.spiffe_id === undefined ? before.spiffeId : parseSpiffeId(input.spiffe_id),
    parentId: input.parent_id === undefined ? before.parentId : parseSpiffeId(input.parent_id),
    selectors: input.selectors?.map(parseSelector) ?? before.selectors,
    x509SvidTtl: input.x509_svid_ttl ?? before.x509SvidTtl,
    jwtSvidTtl: input.jwt_svid_ttl ?? before.jwtSvidTtl,
    federatesWith: input.federates_with?.map(parseTrustDomain) ?? before.federatesWith,
    admin: input.admin ?? before.admin,
    downstream: input.downstream ?? before.downstream,
    expiresAt: input.expires_at ?? before.expiresAt,
    dnsNames: input.dns_names ?? before.dnsNames,
    storeSvid: input.store_svid ?? before.storeSvid,
    hint: input.hint ?? before.hint,
    subject: input.subject === undefined ? before.subject : parseSubject(input.subject),
    disableX509Prefetch: input.disable_x509_svid_prefetch ?? before.disableX509Prefetch,
    includeJti: input.jwt_svid_include_jti ?? before.includeJti,
  }
}

function find(rooms: Spiffe, input: Values<typeof filterInput>): Reply {
  const limit = input.limit > 0 ? Math.min(input.limit, MAX_PAGE) : MAX_PAGE
  const found = findPage(rooms.entries.page, entryMatcher(input), { after: input.after, limit })
  return keys(
    found.map((one) => one.id),
    Object.fromEntries(found.map((one) => [one.id, shown(rooms, one)])),
  )
}

/** With the trust domains whose bundles have not arrived yet: the workload gets them when they do. */
function shown({ bundles }: Spiffe, entry: Entry): JsonObject {
  return { ...describeEntry(entry), waiting_for: entry.federatesWith.filter((name) => !bundles.get(name)) }
}

export function describeEntry(entry: Entry): JsonObject {
  return {
    id: entry.id,
    spiffe_id: entry.spiffeId,
    parent_id: entry.parentId,
    selectors: entry.selectors.map(formatSelector),
    x509_svid_ttl: entry.x509SvidTtl,
    jwt_svid_ttl: entry.jwtSvidTtl,
    federates_with: [...entry.federatesWith],
    admin: entry.admin,
    downstream: entry.downstream,
    expires_at: entry.expiresAt === 0 ? null : new Date(entry.expiresAt).toISOString(),
    dns_names: [...entry.dnsNames],
    store_svid: entry.storeSvid,
    hint: entry.hint,
    subject: formatSubject(entry.subject),
    disable_x509_svid_prefetch: entry.disableX509Prefetch,
    jwt_svid_include_jti: entry.includeJti,
    created_at: new Date(entry.createdAt).toISOString(),
    revision_number: entry.revision,
  }
}
