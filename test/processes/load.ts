// A real server under load: initialised and unsealed, its workers by pid, and writers that remember what was acknowledged.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { ask, type Production, productionServer } from '../support/server.ts'

export interface Keys {
  readonly shares: readonly string[]
  readonly token: string
}

export async function initialise(address: string): Promise<Keys> {
  const { status, body } = await ask(address, 'PUT', 'sys/init', { secret_shares: 3, secret_threshold: 2 }, '')
  assert.equal(status, 200)
  return { shares: body.keys_base64, token: body.root_token }
}

export async function unseal(address: string, { shares }: Keys): Promise<void> {
  for (const key of shares.slice(0, 2)) await ask(address, 'PUT', 'sys/unseal', { key }, '')
  assert.equal((await ask(address, 'GET', 'sys/seal-status', undefined, '')).body.sealed, false)
}

export async function ready(t: TestContext, at: string, port?: number): Promise<Production & { keys: Keys }> {
  const server = await productionServer(t, port === undefined ? { at } : { at, port })
  const keys = await initialise(server.address)
  await unseal(server.address, keys)
  assert.equal((await ask(server.address, 'POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } }, keys.token)).status, 204)
  return { ...server, keys }
}

/** Pids of the workers, by the kernel's word. */
export function workersOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

export interface Writer {
  readonly acknowledged: Map<string, number>
  stop(): Promise<void>
}

/** Writes numbered secrets, several at a time, and keeps what was acknowledged. Connections may break; answers may not be wrong. */
export function write(address: string, token: string, lanes = 8): Writer {
  const acknowledged = new Map<string, number>()
  let stopped = false
  const lane = async (name: string) => {
    for (let n = 1; !stopped; n++) {
      try {
        const { status } = await ask(address, 'POST', `kv/data/${name}`, { data: { n } }, token)
        if (status === 200) acknowledged.set(name, n)
        else assert.ok(status >= 500, `status ${status}`)
      } catch (error) {
        if (!(error instanceof TypeError)) throw error // fetch's word for a broken connection
      }
    }
  }
  const lanesRunning = Array.from({ length: lanes }, (_, at) => lane(`lane-${at}`))
  return {
    acknowledged,
    async stop() {
      stopped = true
      await Promise.all(lanesRunning)
    },
  }
}

export async function assertKept(address: string, token: string, acknowledged: ReadonlyMap<string, number>): Promise<void> {
  assert.ok(acknowledged.size > 0)
  for (const [name, n] of acknowledged) {
    const { status, body } = await ask(address, 'GET', `kv/data/${name}`, undefined, token)
    assert.equal(status, 200)
    assert.ok(body.data.data.n >= n, `${name} is ${body.data.data.n}, but ${n} was acknowledged`)
  }
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`never happened: ${what}`)
}
