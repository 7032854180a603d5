// What is asked of a server of the SPIRE server API; each call counts as one.
import * as wire from '../src/edge/spire/messages.ts'
import { blobs, message } from '../src/wire/protobuf.ts'
import type { SpireConnection } from './spire-agent.ts'

/** What an agent needs to ask. */
export interface AgentState {
  /** Of the entries that the agent is authorised for. */
  readonly entryIds: readonly string[]
  /** DER. */
  readonly csr: Buffer
}

export interface SpireScenario {
  readonly name: string
  readonly doc: string
  /** The i-th call; throws where the answer is none. */
  call(connection: SpireConnection, i: number, state: AgentState): Promise<void>
}

export const SPIRE_SCENARIOS: readonly SpireScenario[] = [
  {
    name: 'x509-svid',
    doc: 'Issues an X.509-SVID for one entry.',
    call: (connection, i, { entryIds, csr }) => issue(connection, [entryIds[i % entryIds.length] as string], csr),
  },
  {
    name: 'x509-svid-100',
    doc: 'Issues the X.509-SVIDs of 100 entries in one call, as agents do that rotate many.',
    call: (connection, _, { entryIds, csr }) => issue(connection, entryIds.slice(0, 100), csr),
  },
  {
    name: 'jwt-svid',
    doc: 'Issues a JWT-SVID for an audience.',
    async call(connection, i, { entryIds }) {
      const entryId = entryIds[i % entryIds.length] as string
      const { svid } = await connection.call('svid.v1.SVID/NewJWTSVID', wire.NewJwtRequest, wire.NewJwtResponse, { entryId, audience: ['bench'] })
      if (!svid?.token) throw new Error('no token came')
    },
  },
  {
    name: 'sync',
    doc: 'Synchronises the entries of an agent from nothing.',
    async call(connection, _, { entryIds }) {
      const { entries } = await connection.call('entry.v1.Entry/GetAuthorizedEntries', wire.Empty, UnreadEntries, {})
      if (entries.length !== entryIds.length) throw new Error(`${entries.length} entries came instead of ${entryIds.length}`)
    },
  },
  {
    name: 'sync-unchanged',
    doc: 'Synchronises an agent that has all of its entries, as agents of SPIRE do every five seconds.',
    async call(connection, _, { entryIds }) {
      const pages = await connection.converse('entry.v1.Entry/SyncAuthorizedEntries', wire.SyncRequest, UnreadPage, [{}])
      const found = pages.reduce((sum, { entries, entryRevisions }) => sum + entries.length + entryRevisions.length, 0)
      if (found !== entryIds.length) throw new Error(`${found} entries came instead of ${entryIds.length}`)
    },
  },
]

/** The driver shares the machine with what it measures, so it counts entries and doesn't look into them. */
const UnreadEntries = message({ entries: blobs(1) })
const UnreadPage = message({ entryRevisions: blobs(1), entries: blobs(2) })

async function issue(connection: SpireConnection, entryIds: readonly string[], csr: Buffer): Promise<void> {
  const params = entryIds.map((entryId) => ({ entryId, csr }))
  const { results } = await connection.call('svid.v1.SVID/BatchNewX509SVID', wire.BatchX509Request, wire.BatchX509Response, { params })
  const failed = results.find(({ status }) => status?.code !== 0)
  if (failed || results.length !== params.length) throw new Error(failed?.status?.message ?? 'too few SVIDs came')
}

export async function entryIdsOf(connection: SpireConnection): Promise<string[]> {
  const { entries } = await connection.call('entry.v1.Entry/GetAuthorizedEntries', wire.Empty, wire.AuthorizedEntries, {})
  return entries.map(({ id }) => id ?? '')
}
