// An entry as the API takes and shows it.
import { bool, int, list, maybe, seconds, text, time, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { parseSpiffeId, parseTrustDomain } from '../../crypto/spiffe-id.ts'
import { type Entry, type EntrySpec, formatSubject, parseSubject, PLAIN_ENTRY } from '../entry.ts'
import type { Spiffe } from '../rooms.ts'
import { formatSelector, parseSelector } from '../selectors.ts'

export const entryInput = {
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
  store_svid: maybe(bool('Keep the SVID from workloads: agents of SPIRE put it into a secret store, that of Signet does nothing with it.')),
  hint: maybe(text('Says to the workload what the identity is for.')),
  subject: maybe(text('Subject of X509-SVIDs, such as CN=orders,O=Example, for servers that read nothing else.')),
  disable_x509_svid_prefetch: maybe(bool('Issue X509-SVIDs only when they are asked for.')),
  jwt_svid_include_jti: maybe(bool('Give each JWT-SVID an id of its own.')),
}

export const newEntryInput = { id: maybe(text('Id of the entry; made at random otherwise.')), ...entryInput }
export const changedEntryInput = { revision_number: maybe(int('Change it only if this is still its revision.')), ...entryInput }

type EntryInput = Values<typeof entryInput>

/** Throws `invalid`. */
export function newEntry(input: Values<typeof newEntryInput>, namespace: string): EntrySpec {
  if (input.spiffe_id === undefined || input.parent_id === undefined) throw new Fault('invalid', 'missing spiffe_id or parent_id')
  const bare = { ...PLAIN_ENTRY, spiffeId: parseSpiffeId(input.spiffe_id), parentId: parseSpiffeId(input.parent_id), namespace }
  return merge(input.id === undefined ? bare : { ...bare, id: input.id }, input)
}

/** The entry with what was said changed. Throws `invalid`. */
export function changedEntry(before: Entry, input: Values<typeof changedEntryInput>): EntrySpec {
  const { revision_number: expected } = input
  if (expected !== undefined && expected !== before.revision)
    throw new Fault('invalid', `the entry is at revision ${before.revision}, and no longer at ${expected}`)
  return merge(before, input)
}

function merge(before: EntrySpec, input: EntryInput): EntrySpec {
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

/** With the trust domains whose bundles have not arrived yet: the workload gets them when they do. */
export function shownEntry({ bundles }: Pick<Spiffe, 'bundles'>, entry: Entry): JsonObject {
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
