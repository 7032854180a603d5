// The SPIRE server API for operators, over a Unix socket of a server in this process.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import grpc from '@grpc/grpc-js'
import { type AdminSocket, listenAdmin } from '../app/admin-socket.ts'
import { silent } from '../base/log.ts'
import type * as wire from '../edge/spire/messages.ts'
import type { Message, Of } from '../wire/protobuf.ts'
import { stillTimers } from './clock.ts'
import { callUnary } from './grpc-client.ts'
import { openWorld, type World } from './world.ts'

export type Api = <I, O>(method: string, input: Message<I>, output: Message<O>, value: Partial<I>) => Promise<O>

export interface OperatorWorld {
  readonly world: World
  /** Where the sockets are. */
  readonly dir: string
  /** Calls as the server's own user. */
  readonly api: Api
  /** Another socket, for these users. */
  connect(name: string, uids: readonly number[]): Promise<Api>
  close(): Promise<void>
}

/** With the trust domain example.org. */
export async function openOperatorWorld(): Promise<OperatorWorld> {
  const dir = mkdtempSync(join(tmpdir(), 'signet-admin-'))
  const world = await openWorld()
  const sockets: AdminSocket[] = []
  const clients: grpc.Client[] = []
  world.clock.set(Date.now())
  await world.ok('write', 'sys/audit/log', { type: 'file', options: { file_path: '/audit.log' } })
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })

  async function connect(name: string, uids: readonly number[]): Promise<Api> {
    const path = join(dir, name)
    const random = { bytes: randomBytes }
    sockets.push(await listenAdmin({ path, uids }, world.kernel, { clock: world.clock, random, timers: stillTimers }, silent))
    const client = new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure())
    clients.push(client)
    return (method, input, output, value) =>
      callUnary(client, method.startsWith('grpc.') ? method : `spire.api.server.${method}`, input, output, value)
  }

  return {
    world,
    dir,
    api: await connect('api.sock', []),
    connect,
    async close() {
      for (const client of clients) client.close()
      for (const socket of sockets) await socket.close()
      await world.close()
      rmSync(dir, { recursive: true })
    },
  }
}

export const entries = (method: string): string => `entry.v1.Entry/${method}`

/** The codes of what came of each part of a batch. */
export const statuses = (results: readonly { readonly status?: Partial<Of<typeof wire.Status>> | undefined }[]): (number | undefined)[] =>
  results.map(({ status }) => status?.code)

export const refusedWith = (code: number, text: RegExp) => (error: unknown) => {
  const { code: found, details } = error as grpc.ServiceError
  assert.deepEqual([found, text.test(details)], [code, true], details)
  return true
}
