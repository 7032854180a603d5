// What workloads are served from, kept on disk together: the entries of now and the X509-SVIDs that are held for them.
import { exportSigningKey, type KeyType, openSigningKey } from '../crypto/signing-key.ts'
import type { JsonObject } from '../base/json.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import type { AgentEntry } from './entry.ts'
import type { Keeping } from './keeping.ts'
import type { WorkloadSvid } from './x509-svids.ts'

export interface Workloads {
  readonly entries: ReadonlyMap<string, AgentEntry>
  readonly svids: ReadonlyMap<string, WorkloadSvid>
}

const RECORD = 'workloads'

interface KeptSvid {
  readonly id: string
  readonly chain: readonly string[]
  readonly key_type: KeyType
  readonly key: string
  readonly expires_at: number
  readonly renew_at: number
  readonly revision: number
  readonly created_at: number
}

export function keepWorkloads(keeping: Keeping, { entries, svids }: Workloads): void {
  const record = { entries: [...entries.values()], svids: [...svids].map(([entryId, svid]) => [entryId, keptSvid(svid)]) }
  keeping.save(RECORD, record as unknown as JsonObject)
}

/** Undefined where nothing was kept. */
export function loadWorkloads(keeping: Keeping): Workloads | undefined {
  const kept = keeping.load(RECORD) as { entries: AgentEntry[]; svids: [string, KeptSvid][] } | undefined
  if (!kept) return undefined
  return {
    entries: new Map((kept.entries as readonly AgentEntry[]).map((entry) => [entry.id, entry])),
    svids: new Map(kept.svids.map(([entryId, svid]) => [entryId, openSvid(svid)])),
  }
}

export const forgetWorkloads = (keeping: Keeping): void => keeping.forget(RECORD)

function keptSvid({ id, chain, key, expiresAt, renewAt, revision, createdAt }: WorkloadSvid): KeptSvid {
  const secret = exportSigningKey(key)
  const text = secret.toString('base64')
  secret.fill(0)
  return {
    id,
    chain: chain.map((der) => der.toString('base64')),
    key_type: key.type,
    key: text,
    expires_at: expiresAt,
    renew_at: renewAt,
    revision,
    created_at: createdAt,
  }
}

function openSvid(kept: KeptSvid): WorkloadSvid {
  return {
    id: kept.id as SpiffeId,
    chain: kept.chain.map((one) => Buffer.from(one, 'base64')),
    key: openSigningKey(kept.key_type, Buffer.from(kept.key, 'base64')),
    expiresAt: kept.expires_at,
    renewAt: kept.renew_at,
    revision: kept.revision,
    createdAt: kept.created_at,
  }
}
