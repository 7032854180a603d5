// The admin socket of an agent as its operators see it: for the command line.
import { accessSync, constants } from 'node:fs'
import grpc from '@grpc/grpc-js'
import * as wire from '../agent/operator/messages.ts'
import { Failure } from '../cli/failure.ts'
import type { AgentAdmin, ExplainedEntry, ExplainedWorkload } from '../cli/explained.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { openGrpcClient } from '../wire/grpc-client.ts'
import type { Of } from '../wire/protobuf.ts'

/** `path` is that of the socket. */
export function openAgentAdmin(path: string): AgentAdmin {
  const client = openGrpcClient(`unix:${path}`, grpc.credentials.createInsecure())
  return {
    async explainWorkload(pid) {
      checkReachable(path)
      try {
        return toExplained(await client.ask(`/${wire.SERVICE}/ExplainWorkload`, wire.ExplainRequest, wire.ExplainResponse, { pid }))
      } catch (error) {
        throw error instanceof GrpcError ? failure(path, error) : error
      }
    },
    close: () => client.close(),
  }
}

function checkReachable(path: string): void {
  try {
    accessSync(path, constants.W_OK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') throw new Failure(2, `this user may not connect to ${path}`, { hints: [MAY] })
    throw new Failure(2, `no agent has an admin socket at ${path}`, {
      hints: [`an agent has one where its configuration says so: admin_socket_path = "${path}"`, 'name another with -admin-socket-path'],
    })
  }
}

const MAY = 'who may is said in the configuration of the agent: admin_uids, or its own user where nobody is named'

const HINTS: Readonly<Record<number, string>> = {
  [STATUS.denied]: MAY,
  [STATUS.unimplemented]: 'that is no admin socket of an agent of Signet; that of workloads is another one',
}

function failure(path: string, error: GrpcError): Failure {
  const hint = HINTS[error.code]
  const said =
    error.code === STATUS.unavailable && error.message.startsWith('No connection') ? `nobody answers at ${path}` : `the agent says: ${error.message}`
  return new Failure(2, said, { hints: hint === undefined ? [] : [hint], cause: error })
}

function toExplained({ agent, entries, near, attestors, ...rest }: Of<typeof wire.ExplainResponse>): ExplainedWorkload {
  return {
    pid: rest.pid,
    name: rest.name,
    agent: agent && { spiffe_id: agent.spiffeId ?? '', expires_at: time(agent.expiresAt) },
    parents: rest.parents,
    attestors: attestors.map(({ type = '', selectors = [], problem = '' }) => ({ type, selectors, problem: problem || undefined })),
    problem: rest.problem || undefined,
    entries: entries.map(({ x509Svid, witSvid, jwtSvids = [], hint, hiddenBy, ...entry }) => ({
      ...toEntry(entry),
      hint: hint || undefined,
      hidden_by: hiddenBy || undefined,
      x509_svid: x509Svid && timesOf(x509Svid),
      wit_svid: witSvid && timesOf(witSvid),
      jwt_svids: jwtSvids.map((one) => ({ audience: one.audience ?? [], ...timesOf(one) })),
    })),
    near: near.map(({ missing = [], storeSvid = false, ...entry }) => ({
      entry: toEntry(entry),
      missing: missing.map(({ selector = '', instead = [] }) => ({ selector, instead })),
      store_svid: storeSvid,
    })),
    farther: rest.farther,
  }
}

function toEntry({ entryId = '', spiffeId = '', parentId = '' }: { entryId?: string; spiffeId?: string; parentId?: string }): ExplainedEntry {
  return { id: entryId, spiffe_id: spiffeId, parent_id: parentId }
}

const timesOf = ({ expiresAt, renewAt }: { expiresAt?: number; renewAt?: number }) => ({ expires_at: time(expiresAt), renew_at: time(renewAt) })

/** As RFC 3339 has it, without parts of a second. */
const time = (seconds = 0): string => new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
