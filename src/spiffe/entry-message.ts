// Entries as agents get them: messages of the SPIRE server API (spire.api.types.Entry), encoded once for each revision of an entry.
import { pathOf, type SpiffeId, trustDomainOf } from '../crypto/spiffe-id.ts'
import { blobs, bool, int32, int64, list, message, nested, type Of, string, strings } from '../wire/protobuf.ts'
import type { Entry } from './entry.ts'

export const SpiffeIdMessage = message({ trustDomain: string(1), path: string(2) })
export const SelectorMessage = message({ type: string(1), value: string(2) })
const Attributes = message({ disableX509SvidPrefetch: bool(1), jwtSvidIncludeJti: bool(2) })
export const EntryMessage = message({
  id: string(1),
  spiffeId: nested(2, SpiffeIdMessage),
  parentId: nested(3, SpiffeIdMessage),
  selectors: list(4, SelectorMessage),
  x509SvidTtl: int32(5),
  federatesWith: strings(6),
  admin: bool(7),
  downstream: bool(8),
  expiresAt: int64(9),
  dnsNames: strings(10),
  revisionNumber: int64(11),
  storeSvid: bool(12),
  jwtSvidTtl: int32(13),
  hint: string(14),
  createdAt: int64(15),
  additionalAttributes: nested(16, Attributes),
})
export type EntryMessage = Of<typeof EntryMessage>
const EntryRevision = message({ id: string(1), revisionNumber: int64(2), createdAt: int64(3) })

export const AuthorizedEntries = message({ entries: list(1, EntryMessage) })
export const SyncResponse = message({ entryRevisions: list(1, EntryRevision), entries: list(2, EntryMessage), more: bool(3) })
const EncodedEntries = message({ entries: blobs(1) })
const EncodedSyncResponse = message({ entryRevisions: blobs(1), entries: blobs(2), more: bool(3) })

/** Below this many, entries are synchronised whole at once. */
const PAGE = 500

/** The answer to GetAuthorizedEntries. */
export function encodeAll(entries: readonly Entry[]): Buffer {
  return EncodedEntries.encode({ entries: entries.map(encodeEntry) })
}

/** The first answers of SyncAuthorizedEntries: few entries as they are, of many only their revisions. */
export function encodeSync(entries: readonly Entry[]): Buffer[] {
  return entries.length <= PAGE ? encodePages(entries) : pages(entries.map(encodeRevision), 'entryRevisions')
}

/** The further answers: entries that were asked for. */
export function encodePages(entries: readonly Entry[]): Buffer[] {
  return pages(entries.map(encodeEntry), 'entries')
}

function pages(all: readonly Buffer[], name: 'entries' | 'entryRevisions'): Buffer[] {
  const starts = Array.from({ length: Math.max(1, Math.ceil(all.length / PAGE)) }, (_, page) => page * PAGE)
  return starts.map((from) => EncodedSyncResponse.encode({ [name]: all.slice(from, from + PAGE), more: from + PAGE < all.length }))
}

/** An entry that changed is another object. */
const encoded = new WeakMap<Entry, Buffer>()

function encodeEntry(entry: Entry): Buffer {
  const before = encoded.get(entry)
  if (before) return before
  const bytes = EntryMessage.encode(toMessage(entry))
  encoded.set(entry, bytes)
  return bytes
}

function encodeRevision({ id, revision, createdAt }: Entry): Buffer {
  return EntryRevision.encode({ id, revisionNumber: revision, createdAt: seconds(createdAt) })
}

function toMessage(entry: Entry): Partial<EntryMessage> {
  const { disableX509Prefetch: disableX509SvidPrefetch, includeJti: jwtSvidIncludeJti, dnsNames, federatesWith } = entry
  return {
    ...entry,
    spiffeId: toId(entry.spiffeId),
    parentId: toId(entry.parentId),
    selectors: [...entry.selectors],
    dnsNames: [...dnsNames],
    federatesWith: [...federatesWith],
    expiresAt: seconds(entry.expiresAt),
    createdAt: seconds(entry.createdAt),
    revisionNumber: entry.revision,
    additionalAttributes: { disableX509SvidPrefetch, jwtSvidIncludeJti },
  }
}

function toId(id: SpiffeId) {
  return { trustDomain: trustDomainOf(id), path: pathOf(id) }
}

const seconds = (ms: number): number => Math.floor(ms / 1000)
