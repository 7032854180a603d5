// The seal status as `status` and `operator unseal` print it, together with what is known of the leader.
import type { Json, JsonObject } from '../base/json.ts'
import type { Client } from '../client/client.ts'
import { ApiError } from '../client/failure.ts'
import { parseBody } from '../client/secret.ts'
import { pick } from './output/json.ts'
import { showObject } from './output/show.ts'
import { table } from './output/table.ts'
import { goText } from './output/text.ts'
import type { Terminal } from './terminal.ts'

export async function readSealStatus(client: Client): Promise<JsonObject> {
  return parseBody((await client.call('GET', 'sys/seal-status')).body) as JsonObject
}

export async function showSealStatus(terminal: Terminal, client: Client, status: JsonObject): Promise<void> {
  const leader = await readLeader(client)
  if (terminal.format === 'table')
    terminal.print(table(['Key', 'Value'], [...sealRows(status), ...serverRows(status), ...leaderRows(status, leader)]))
  else showObject(terminal, { ...pick(status, STATUS_KEYS), ...pick(told(leader), LEADER_KEYS) })
}

/** Of a namespace, whose seal is of one server. */
export function showSealOf(terminal: Terminal, status: JsonObject): void {
  if (terminal.format === 'table') terminal.print(table(['Key', 'Value'], [...sealRows(status), ['HA Enabled', 'false']]))
  else showObject(terminal, status)
}

// In the order that Vault's tools print them.
const STATUS_KEYS =
  'type initialized sealed t n progress nonce version commit_date migration cluster_name cluster_id recovery_seal recovery_seal_type storage_type warnings build_date'
const LEADER_KEYS = 'ha_enabled is_self active_time leader_address leader_cluster_address raft_committed_index raft_applied_index'

async function readLeader(client: Client): Promise<JsonObject> {
  try {
    return parseBody((await client.call('GET', 'sys/leader')).body) as JsonObject
  } catch (error) {
    // A sealed member of a cluster can't tell who leads it.
    if (error instanceof ApiError && error.errors.join().includes('Vault is sealed')) return { ha_enabled: true }
    throw error
  }
}

/** What is blank says nothing, `ha_enabled` excepted. */
function told(leader: JsonObject): JsonObject {
  const blank = (value: Json): boolean => value === '' || value === 0 || value === false || value === '0001-01-01T00:00:00Z'
  return Object.fromEntries(Object.entries(leader).filter(([key, value]) => key === 'ha_enabled' || !blank(value)))
}

type Row = readonly [string, string]

function sealRows(status: JsonObject): readonly Row[] {
  const recovery = status['recovery_seal'] === true
  return [
    ['Seal Type', goText(status['type'])],
    ...optional('Recovery Seal Type', recovery ? status['recovery_seal_type'] : undefined),
    ['Initialized', goText(status['initialized'])],
    ['Sealed', goText(status['sealed'])],
    [`Total ${recovery ? 'Recovery ' : ''}Shares`, goText(status['n'])],
    ['Threshold', goText(status['t'])],
    ...(status['sealed'] === true
      ? [['Unseal Progress', `${goText(status['progress'])}/${goText(status['t'])}`] as const, ['Unseal Nonce', goText(status['nonce'])] as const]
      : []),
  ]
}

function serverRows(status: JsonObject): readonly Row[] {
  const named = status['cluster_name'] && status['cluster_id']
  return [
    ...optional('Seal Migration in Progress', status['migration'] === true ? true : undefined),
    ...optional('Version', status['version']),
    ...(status['commit_date'] ? optional('Commit Date', status['commit_date']) : optional('Build Date', status['build_date'])),
    ...optional('Storage Type', status['storage_type']),
    ...(named ? [...optional('Cluster Name', status['cluster_name']), ...optional('Cluster ID', status['cluster_id'])] : []),
  ]
}

function leaderRows(status: JsonObject, leader: JsonObject): readonly Row[] {
  const { is_self: active = false } = leader
  const clustered = leader['ha_enabled'] === true && status['sealed'] !== true
  return [
    ['HA Enabled', goText(leader['ha_enabled'] === true)],
    ...(clustered
      ? [
          ['HA Cluster', goText(leader['leader_cluster_address'] ?? '')] as const,
          ['HA Mode', active === true ? 'active' : 'standby'] as const,
          ...optional('Active Since', active === true ? told(leader)['active_time'] : undefined),
          ...optional('Active Node Address', active === true ? undefined : leader['leader_address']),
        ]
      : []),
    ...optional('Raft Committed Index', told(leader)['raft_committed_index']),
    ...optional('Raft Applied Index', told(leader)['raft_applied_index']),
  ]
}

function optional(title: string, value: Json | undefined): readonly Row[] {
  return value === undefined || value === null || value === '' ? [] : [[title, goText(value)]]
}
