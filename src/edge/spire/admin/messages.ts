// Messages of the administrative half of the SPIRE server API (packages spire.api.types and spire.api.server.*.v1).
import { blobs, bool, bytes, int32, int64, list, message, nested, string, strings } from '../../../wire/protobuf.ts'
import {
  BundleMask,
  BundleMessage,
  EntryMessage,
  Selector,
  SpiffeIdMessage,
  Status,
  TokenKey,
  TokenSvid,
  X509Certificate,
  X509Svid,
} from '../messages.ts'

const StringValue = message({ value: string(1) })
const BoolValue = message({ value: bool(1) })
const SelectorMatch = message({ selectors: list(1, Selector), match: int32(2) })
const FederatesWithMatch = message({ trustDomains: strings(1), match: int32(2) })
const page = { pageSize: int32(3), pageToken: string(4) }

const EntryMask = message({
  spiffeId: bool(2),
  parentId: bool(3),
  selectors: bool(4),
  x509SvidTtl: bool(5),
  federatesWith: bool(6),
  admin: bool(7),
  downstream: bool(8),
  expiresAt: bool(9),
  dnsNames: bool(10),
  revisionNumber: bool(11),
  storeSvid: bool(12),
  jwtSvidTtl: bool(13),
  hint: bool(14),
  createdAt: bool(15),
  additionalAttributes: bool(16),
})
export const EntryFilter = message({
  bySpiffeId: nested(1, SpiffeIdMessage),
  byParentId: nested(2, SpiffeIdMessage),
  bySelectors: nested(3, SelectorMatch),
  byFederatesWith: nested(4, FederatesWithMatch),
  byHint: nested(5, StringValue),
  byDownstream: nested(6, BoolValue),
})
export const Count = message({ count: int32(1) })
export const CountEntriesRequest = message({ filter: nested(1, EntryFilter) })
export const ListEntriesRequest = message({ filter: nested(1, EntryFilter), outputMask: nested(2, EntryMask), ...page })
export const ListEntriesResponse = message({ entries: list(1, EntryMessage), nextPageToken: string(2) })
export const GetEntryRequest = message({ id: string(1), outputMask: nested(2, EntryMask) })
export const BatchCreateEntryRequest = message({ entries: list(1, EntryMessage), outputMask: nested(2, EntryMask) })
const EntryResult = message({ status: nested(1, Status), entry: nested(2, EntryMessage) })
export const EntryResults = message({ results: list(1, EntryResult) })
export const BatchUpdateEntryRequest = message({ entries: list(1, EntryMessage), inputMask: nested(2, EntryMask), outputMask: nested(3, EntryMask) })
export const BatchDeleteEntryRequest = message({ ids: strings(1) })
const DeletedEntry = message({ status: nested(1, Status), id: string(2) })
export const BatchDeleteEntryResponse = message({ results: list(1, DeletedEntry) })

export const AgentMessage = message({
  id: nested(1, SpiffeIdMessage),
  attestationType: string(2),
  x509svidSerialNumber: string(3),
  x509svidExpiresAt: int64(4),
  selectors: list(5, Selector),
  banned: bool(6),
  canReattest: bool(7),
  agentVersion: string(8),
})
const AgentMask = message({
  attestationType: bool(2),
  x509svidSerialNumber: bool(3),
  x509svidExpiresAt: bool(4),
  selectors: bool(5),
  banned: bool(6),
  canReattest: bool(7),
  agentVersion: bool(8),
})
export const AgentFilter = message({
  byAttestationType: string(1),
  bySelectorMatch: nested(2, SelectorMatch),
  byBanned: nested(3, BoolValue),
  byCanReattest: nested(4, BoolValue),
  byExpiresBefore: string(5),
})
export const CountAgentsRequest = message({ filter: nested(1, AgentFilter) })
export const ListAgentsRequest = message({ filter: nested(1, AgentFilter), outputMask: nested(2, AgentMask), ...page })
export const ListAgentsResponse = message({ agents: list(1, AgentMessage), nextPageToken: string(2) })
export const GetAgentRequest = message({ id: nested(1, SpiffeIdMessage), outputMask: nested(2, AgentMask) })
export const AgentIdRequest = message({ id: nested(1, SpiffeIdMessage) })
export const CreateJoinTokenRequest = message({ ttl: int32(1), token: string(2), agentId: nested(3, SpiffeIdMessage) })
export const JoinToken = message({ value: string(1), expiresAt: int64(2) })

export const AppendBundleRequest = message({
  x509Authorities: list(1, X509Certificate),
  jwtAuthorities: list(2, TokenKey),
  outputMask: nested(3, BundleMask),
  witAuthorities: list(4, TokenKey),
})
export const PublishJwtRequest = message({ jwtAuthority: nested(1, TokenKey) })
export const PublishJwtResponse = message({ jwtAuthorities: list(1, TokenKey) })
export const PublishWitRequest = message({ witAuthority: nested(1, TokenKey) })
export const PublishWitResponse = message({ witAuthorities: list(1, TokenKey) })
export const ListBundlesRequest = message({ outputMask: nested(1, BundleMask), pageSize: int32(2), pageToken: string(3) })
export const ListBundlesResponse = message({ bundles: list(1, BundleMessage), nextPageToken: string(2) })
export const BatchBundleRequest = message({ bundle: list(1, BundleMessage), outputMask: nested(2, BundleMask) })
export const BatchUpdateBundleRequest = message({
  bundle: list(1, BundleMessage),
  inputMask: nested(2, BundleMask),
  outputMask: nested(3, BundleMask),
})
const BundleResult = message({ status: nested(1, Status), bundle: nested(2, BundleMessage) })
export const BundleResults = message({ results: list(1, BundleResult) })
export const BatchDeleteBundleRequest = message({ trustDomains: strings(1), mode: int32(2) })
const NamedResult = message({ status: nested(1, Status), trustDomain: string(2) })
/** Of deleted bundles and relationships alike. */
export const NamedResults = message({ results: list(1, NamedResult) })

const WebProfile = message<Record<never, never>>({})
const SpiffeProfile = message({ endpointSpiffeId: string(1) })
export const Relationship = message({
  trustDomain: string(1),
  bundleEndpointUrl: string(2),
  httpsWeb: nested(3, WebProfile),
  httpsSpiffe: nested(4, SpiffeProfile),
  trustDomainBundle: nested(5, BundleMessage),
})
export const RelationshipMask = message({ bundleEndpointUrl: bool(1), bundleEndpointProfile: bool(2), trustDomainBundle: bool(3) })
export const ListRelationshipsRequest = message({ outputMask: nested(1, RelationshipMask), pageSize: int32(2), pageToken: string(3) })
export const ListRelationshipsResponse = message({ federationRelationships: list(1, Relationship), nextPageToken: string(2) })
export const GetRelationshipRequest = message({ trustDomain: string(1), outputMask: nested(2, RelationshipMask) })
export const BatchCreateRelationshipRequest = message({ federationRelationships: list(1, Relationship), outputMask: nested(2, RelationshipMask) })
export const BatchUpdateRelationshipRequest = message({
  federationRelationships: list(1, Relationship),
  inputMask: nested(2, RelationshipMask),
  outputMask: nested(3, RelationshipMask),
})
const RelationshipResult = message({ status: nested(1, Status), federationRelationship: nested(2, Relationship) })
export const RelationshipResults = message({ results: list(1, RelationshipResult) })
export const TrustDomains = message({ trustDomains: strings(1) })
export const RefreshBundleRequest = message({ trustDomain: string(1) })

export const AuthorityState = message({ authorityId: string(1), expiresAt: int64(2), upstreamAuthoritySubjectKeyId: string(3) })
export const AuthorityStates = message({ active: nested(1, AuthorityState), prepared: nested(2, AuthorityState), old: nested(3, AuthorityState) })
export const AuthorityRequest = message({ authorityId: string(1) })
/** Of every step: each answer has one authority in its first field. */
export const AuthorityResponse = message({ authority: nested(1, AuthorityState) })

export const UpstreamRequest = message({ subjectKeyId: string(1) })
export const UpstreamResponse = message({ upstreamAuthoritySubjectKeyId: string(1) })

export const MintX509Request = message({ csr: bytes(1), ttl: int32(2) })
export const MintX509Response = message({ svid: nested(1, X509Svid) })
export const MintJwtRequest = message({ id: nested(1, SpiffeIdMessage), audience: strings(2), ttl: int32(3) })
export const MintJwtResponse = message({ svid: nested(1, TokenSvid) })
export const MintWitRequest = message({ id: nested(1, SpiffeIdMessage), publicKey: bytes(2), ttl: int32(3), signingAlgorithm: string(4) })
export const MintWitResponse = message({ svid: nested(1, TokenSvid) })
export const DownstreamCaRequest = message({ csr: bytes(1), preferredTtl: int32(2) })
export const DownstreamCaResponse = message({ caCertChain: blobs(1), x509Authorities: blobs(2) })

export const SetLogLevelRequest = message({ newLevel: int32(1) })
export const LoggerMessage = message({ currentLevel: int32(1), launchLevel: int32(2) })
const DebugCert = message({ id: nested(1, SpiffeIdMessage), expiresAt: int64(2), subject: string(3) })
export const GetInfoResponse = message({
  svidChain: list(1, DebugCert),
  uptime: int32(2),
  agentsCount: int32(3),
  federatedBundlesCount: int32(4),
  entriesCount: int32(5),
})
export const HealthRequest = message({ service: string(1) })
export const HealthResponse = message({ status: int32(1) })
