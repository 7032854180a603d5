// A server and an agent of either product, as their sockets: entries are made at one, and identities come from the other.
import grpc from '@grpc/grpc-js'
import * as wire from '../src/edge/spire/admin/messages.ts'
import { type GrpcClient, openGrpcClient } from '../src/wire/grpc-client.ts'
import { split } from './target.ts'

export interface Pair {
  readonly name: string
  /** The agent's socket. */
  readonly agent: string
  readonly server: GrpcClient
  readonly parent: string
  /** Of the agent. */
  readonly pid: number | undefined
}

export const PAIR_USAGE =
  "the agent's socket; then the server's administrative socket, and the parent of the entries: the ID of the agent, or of an alias"

/** Reads `name=agent socket,server=admin socket,parent=SPIFFE ID[,pid=…]`; throws a plain Error that says what is wrong. */
export function parsePair(given: string): Pair {
  const [where = '', ...facts] = given.split(',')
  const [name, agent] = split(where)
  const { server, parent, pid } = Object.fromEntries(facts.map(split))
  if (!name || !agent || !server || !parent) throw new Error(`"${given}" is not name=socket,server=socket,parent=spiffe://…`)
  return {
    name,
    agent,
    server: openGrpcClient(`unix:${server}`, grpc.credentials.createInsecure()),
    parent,
    pid: pid === undefined ? undefined : Number(pid),
  }
}

/** An entry for every process of this user; returns its id. */
export async function createEntry({ server, parent }: Pair, path: string): Promise<string> {
  const { host: trustDomain, pathname } = new URL(parent)
  const entry = {
    spiffeId: { trustDomain, path },
    parentId: { trustDomain, path: pathname },
    selectors: [{ type: 'unix', value: `uid:${process.getuid?.() ?? 0}` }],
  }
  const method = '/spire.api.server.entry.v1.Entry/BatchCreateEntry'
  const { results } = await server.ask(method, wire.BatchCreateEntryRequest, wire.EntryResults, { entries: [entry] })
  const [result] = results
  if (!result?.entry?.id) throw new Error(`the entry was not made: ${result?.status?.message}`)
  return result.entry.id
}

export async function deleteEntry({ server }: Pair, id: string): Promise<void> {
  await server.ask('/spire.api.server.entry.v1.Entry/BatchDeleteEntry', wire.BatchDeleteEntryRequest, wire.BatchDeleteEntryResponse, { ids: [id] })
}
