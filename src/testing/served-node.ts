// A node in this process: an agent with its sockets open, of which this process is a workload.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import grpc from '@grpc/grpc-js'
import { unixAttestor } from '../agent/attestors/unix.ts'
import { type AgentParts, runAgent, type RunningAgent } from '../app/agent.ts'
import { localAccounts } from '../app/agent-processes.ts'
import { ports } from '../app/ports.ts'
import { silent } from '../base/log.ts'
import { GrpcError } from '../wire/grpc.ts'
import { type GrpcClient, openGrpcClient } from '../wire/grpc-client.ts'
import { CACHE_KEY, memoryDrawer, openTrustDomain, type TrustDomainWorld } from './agent-domain.ts'
import { handTimers, type HandTimers } from './clock.ts'
import { until } from './until.ts'

export const NODE = 'spiffe://example.org/node'
/** What this process is known by. */
export const ME = `unix:uid:${process.getuid?.()}`

export interface ServedNode {
  readonly domain: TrustDomainWorld
  readonly running: RunningAgent
  readonly parts: AgentParts
  readonly timers: HandTimers
  /** Of the Workload API's socket. */
  readonly client: GrpcClient
  /** Takes this process's entries away, and gives it one; resolves to its id once the agent knows. */
  begin(path: string, more?: object): Promise<string>
  /** Lets the agent look at its server again and again, until this holds. */
  looking(what: string, holds: () => boolean): Promise<void>
  /** The same, until it knows these entries for this process, and no others. */
  looked(...ids: string[]): Promise<void>
  close(): Promise<void>
}

export type NodeParts = Partial<Omit<AgentParts, 'broker'>> & { readonly broker?: (folder: string) => AgentParts['broker'] }

export async function openServedNode({ broker, ...more }: NodeParts = {}): Promise<ServedNode> {
  const domain = await openTrustDomain()
  const timers = handTimers()
  const parts: AgentParts = {
    settings: await domain.settings(),
    drawer: memoryDrawer(),
    key: CACHE_KEY,
    workloadAttestors: [unixAttestor(localAccounts(), { programs: false, mostBytes: 0 })],
    socket: { path: join(domain.folder, 'run/api.sock'), mode: 0o777 },
    adminSocket: { path: join(domain.folder, 'admin/api.sock'), mode: 0o777 },
    delegates: [],
    operators: [process.getuid?.() ?? -1],
    broker: broker?.(domain.folder),
    sds: { names: { svid: 'default', bundle: 'ROOTCA', allBundles: 'ALL' }, plainValidation: false },
    allowUnauthenticatedVerifiers: false,
    foreignClaims: [],
    telemetryAddress: undefined,
    ...more,
  }
  const running = await runAgent(parts, { clock: domain.clock, timers, random: ports.random }, silent)
  const client = openGrpcClient(`unix:${parts.socket.path}`, grpc.credentials.createInsecure())
  await until('it is ready', () => running.agent.ready())
  const mine = () => running.agent.matching(new Set([ME])).map(({ id }) => id)
  const looking = (what: string, holds: () => boolean) =>
    until(what, () => {
      timers.fire(6_000)
      return holds()
    })
  const looked = (...ids: string[]) => looking('the agent knows', () => mine().join() === ids.sort().join())
  return {
    domain,
    running,
    parts,
    timers,
    client,
    async begin(path, given = {}) {
      for (const id of mine()) await domain.world.ok('delete', `spiffe/entries/${id}`)
      await looked()
      const id = await domain.entry(NODE, path, ME, given)
      await looked(id)
      return id
    },
    looking,
    looked,
    async close() {
      client.close()
      await running.close()
      await domain.close()
    },
  }
}

/** Matches the error of a call that was refused in this way. */
export const refused = (code: number, text: string | RegExp) => (error: unknown) => {
  assert.ok(error instanceof GrpcError)
  assert.equal(error.code, code)
  if (typeof text === 'string') assert.equal(error.message, text)
  else assert.match(error.message, text)
  return true
}
