// broker_api { … }: where brokers connect to the agent, and which brokers may refer to what.
import type { BrokerRights, Brokers } from '../../agent/broker/access.ts'
import type { ReferenceKind } from '../../agent/broker/reference.ts'
import { Fault } from '../../base/fault.ts'
import { list, or, text } from '../../base/fields.ts'
import { parseSpiffeId, pathOf, type SpiffeId } from '../../crypto/spiffe-id.ts'
import type { LocalSocket } from '../agent-sockets.ts'
import { isBeside, modeIn } from './agent-paths.ts'
import { refused } from './foreign.ts'
import { isAddress } from './listener.ts'
import { type Block, readStanza, refuse, type Stanza } from './stanza.ts'

export interface BrokerConfig {
  /** Undefined for no local socket. */
  readonly socket: LocalSocket | undefined
  /** host:port; undefined for no port. At least one of the two is there. */
  readonly address: string | undefined
  readonly brokers: Brokers
}

const KEYS = {
  socket_path: or(text('Where brokers of this machine connect, in another folder than the socket of the workloads.'), ''),
  socket_mode: or(text('Permission bits of that socket, in octal.'), '0770'),
  bind_address: or(text('host:port where brokers connect by TCP.'), ''),
}

export const BROKER_API = {
  keys: KEYS,
  /** With how many labels. */
  blocks: { broker: 1 },
  foreign: { brokers: refused('write broker "spiffe://…" { references = ["pid"] } for each') },
} as const satisfies Stanza<typeof KEYS, string>

const BROKER_KEYS = {
  references: list('What it may refer to workloads by: `pid`, a process of this machine; `kubernetes`, an object of the cluster.'),
  references_over_tcp: or(list('Which of them it may use by TCP, too.'), []),
}

export const BROKER = {
  keys: BROKER_KEYS,
  foreign: { allowed_reference_types: refused('write references = ["pid", "kubernetes"], and references_over_tcp for those with allow_over_tcp') },
} as const satisfies Stanza<typeof BROKER_KEYS, never>

/** Undefined where there is none. Throws `invalid`. */
export function brokerIn(block: Block | undefined, publicSocket: string): BrokerConfig | undefined {
  if (!block) return undefined
  const { values, blocks } = readStanza(block, BROKER_API)
  const { socket_path: path, bind_address: address } = values
  if (path === '' && address === '') throw refuse(block, 'broker_api needs socket_path or bind_address')
  if (path !== '' && isBeside(path, publicSocket)) throw refuse(block, 'socket_path must not lie in the folder of the workloads’ socket, or below it')
  if (address !== '' && !isAddress(address)) throw refuse(block, `bind_address "${address}" is not host:port`)
  if (blocks.broker.length === 0) throw refuse(block, 'broker_api needs a broker "spiffe://…" { … }: nobody could use it')
  const mode = modeIn(block, values.socket_mode)
  return {
    socket: path === '' ? undefined : { path, mode },
    address: address === '' ? undefined : address,
    brokers: brokersIn(blocks.broker),
  }
}

function brokersIn(blocks: readonly Block[]): Brokers {
  const found = new Map<SpiffeId, BrokerRights>()
  for (const block of blocks) {
    const id = idIn(block)
    if (found.has(id)) throw refuse(block, `${block.title} is there already`)
    found.set(id, rightsIn(block))
  }
  return found
}

function idIn(block: Block): SpiffeId {
  const [label = ''] = block.labels
  try {
    const id = parseSpiffeId(label)
    if (pathOf(id) === '') throw new Fault('invalid', 'it names a trust domain, and nobody in it')
    return id
  } catch (error) {
    if (error instanceof Fault) throw refuse(block, `${block.title}: ${error.message}`)
    throw error
  }
}

const REFERENCES: readonly string[] = ['pid', 'kubernetes'] satisfies ReferenceKind[]

function rightsIn(block: Block): BrokerRights {
  const { references: local, references_over_tcp: remote } = readStanza(block, BROKER).values
  const wrong = [...local, ...remote].find((one) => !REFERENCES.includes(one))
  if (wrong !== undefined) throw refuse(block, `${block.title}: there are no references of kind "${wrong}", but ${REFERENCES.join(', ')}`)
  if (local.length === 0) throw refuse(block, `${block.title}: references is empty: it could ask for nobody`)
  const extra = remote.find((one) => !local.includes(one))
  if (extra !== undefined) throw refuse(block, `${block.title}: references_over_tcp has "${extra}", which references has not`)
  return { local: local as ReferenceKind[], remote: remote as ReferenceKind[] }
}
