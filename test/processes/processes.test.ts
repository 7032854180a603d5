// Supervisor and workers as an operator meets them: killed, restarted, stopped and reloaded under load.
import assert from 'node:assert/strict'
import { readFileSync, renameSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { assertKept, ready, unseal, until, workersOf, write } from './load.ts'

test('a worker killed under load costs no acknowledged write, and the server keeps answering', async (t) => {
  const { address, process: child, keys } = await ready(t, folder(t))
  const pid = child.pid as number
  const writer = write(address, keys.token)
  for (let round = 0; round < 4; round++) {
    const before = writer.acknowledged.get('lane-0') ?? 0
    await until('a write goes through', () => (writer.acknowledged.get('lane-0') ?? 0) > before + 5)
    const victim = workersOf(pid)[round % 2] as number
    process.kill(victim, 'SIGKILL')
    await until('another worker takes its place', () => !workersOf(pid).includes(victim) && workersOf(pid).length === 2)
  }
  await writer.stop()
  await assertKept(address, keys.token, writer.acknowledged)
})

test('after SIGKILL of everything, an unsealed restart has all that was acknowledged', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const first = await ready(t, at, port)
  const { keys } = first
  const writer = write(first.address, keys.token)
  await until('writes go through', () => [...writer.acknowledged.values()].filter((n) => n > 20).length > 4)
  await killed(first.process)
  await writer.stop()
  const second = await productionServer(t, { at, port })
  assert.equal((await ask(second.address, 'GET', 'sys/health', undefined, '')).status, 503)
  assert.deepEqual((await ask(second.address, 'GET', 'kv/data/lane-0', undefined, keys.token)).body, { errors: ['Vault is sealed'] })
  await unseal(second.address, keys)
  await assertKept(second.address, keys.token, writer.acknowledged)
})

test('SIGTERM answers what is running, then ends with 0', async (t) => {
  const { address, process: child, keys } = await ready(t, folder(t))
  const exit = new Promise((resolve) => child.once('exit', resolve))
  const running = Array.from({ length: 16 }, (_, n) => ask(address, 'POST', `kv/data/last-${n}`, { data: { n } }, keys.token))
  await new Promise((resolve) => setTimeout(resolve, 5))
  child.kill('SIGTERM')
  const answers = await Promise.allSettled(running)
  assert.equal(await exit, 0)
  assert.ok(answers.every((answer) => answer.status === 'rejected' || answer.value.status === 200))
})

test('seal reaches every worker before it is answered', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  assert.equal((await ask(address, 'PUT', 'sys/seal', undefined, keys.token)).status, 204)
  const reads = await Promise.all(Array.from({ length: 20 }, () => ask(address, 'GET', 'sys/mounts', undefined, keys.token)))
  assert.ok(reads.every(({ status }) => status === 503))
  await unseal(address, keys)
  assert.equal((await ask(address, 'GET', 'sys/mounts', undefined, keys.token)).status, 200)
})

test('SIGHUP lets go of a rotated audit file, and metrics are those of all workers', async (t) => {
  const at = folder(t)
  const { address, process: child, keys } = await ready(t, at)
  const log = join(at, 'audit.log')
  await ask(address, 'PUT', 'sys/audit/file', { type: 'file', options: { file_path: log } }, keys.token)
  await ask(address, 'GET', 'sys/mounts', undefined, keys.token)
  renameSync(log, `${log}.1`)
  child.kill('SIGHUP')
  await until('a new file is written', async () => {
    await ask(address, 'GET', 'sys/mounts', undefined, keys.token)
    try {
      return readFileSync(log, 'utf8').split('\n').filter(Boolean).length > 0
    } catch {
      return false
    }
  })
  for (const line of readFileSync(`${log}.1`, 'utf8').split('\n').filter(Boolean)) JSON.parse(line)
  const { body } = await ask(address, 'GET', 'sys/metrics?format=prometheus', undefined, keys.token)
  assert.match(body, /^vault_core_unsealed 1$/m)
  assert.match(body, /^vault_core_handle_request_count \d+$/m)
})

test('revoking reaches every worker', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  for (let round = 0; round < 20; round++) {
    const { body } = await ask(address, 'POST', 'auth/token/create', { policies: ['default'] }, keys.token)
    const token = body.auth.client_token
    const look = () => ask(address, 'GET', 'auth/token/lookup-self', undefined, token)
    assert.ok((await Promise.all(Array.from({ length: 6 }, look))).every(({ status }) => status === 200))
    assert.equal((await ask(address, 'POST', 'auth/token/revoke', { token }, keys.token)).status, 204)
    assert.ok((await Promise.all(Array.from({ length: 6 }, look))).every(({ status }) => status === 403))
  }
})

/** The answer to a read over a connection of its own: the workers take connections in turn. */
function readAlone(address: string, path: string, token: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = get(`${address}/v1/${path}`, { agent: false, headers: { 'X-Vault-Token': token } }, (response) => {
      response.resume().once('end', () => resolve(response))
    })
    sent.once('error', reject)
  })
}

test('workers keep to a rate limit together', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  const rule = { path: 'sys/mounts', rate: 20, interval: '1h' }
  assert.equal((await ask(address, 'POST', 'sys/quotas/rate-limit/mounts', rule, keys.token)).status, 204)
  let allowed = 0
  await until('no worker allows any more', async () => {
    const statuses: number[] = []
    for (let n = 0; n < 4; n++) statuses.push((await readAlone(address, 'sys/mounts', keys.token)).statusCode as number)
    allowed += statuses.filter((status) => status === 200).length
    return statuses.every((status) => status === 429)
  })
  // Each of the two may allow the limit before it hears of the other; one after the other, they hear in time.
  assert.ok(allowed >= 20 && allowed <= 40, `${allowed} were allowed`)
})

test('any worker explains what another refused', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  const { body } = await ask(address, 'POST', 'auth/token/create', { policies: ['default'] }, keys.token)
  for (let n = 0; n < 4; n++) {
    const { statusCode, headers } = await readAlone(address, 'sys/mounts', body.auth.client_token)
    assert.equal(statusCode, 403)
    const question = { id: headers['x-signet-explain-id'] }
    const told = await Promise.all([1, 2, 3].map(() => ask(address, 'POST', 'sys/policies/explain', question, keys.token)))
    for (const {
      status,
      body: { data },
    } of told)
      assert.deepEqual([status, data.reason], [200, 'no rule of these policies matches the path'])
  }
})
