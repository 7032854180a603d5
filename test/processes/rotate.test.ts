// New terms of the barrier's keys while two workers write and read, and while workers and supervisors are killed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { assertKept, ready, unseal, until, workersOf, write } from './load.ts'

const term = async (address: string, token: string) => (await ask(address, 'GET', 'sys/key-status', undefined, token)).body.term as number

test('rotating under load fails no request, and a new worker knows all terms', async (t) => {
  const { address, process: child, keys } = await ready(t, folder(t))
  const pid = child.pid as number
  const writer = write(address, keys.token)
  await until('writes go through', () => writer.acknowledged.size > 4)
  for (let round = 0; round < 10; round++) {
    assert.equal((await ask(address, 'PUT', 'sys/rotate', undefined, keys.token)).status, 204)
    await assertKept(address, keys.token, writer.acknowledged)
  }
  const victim = workersOf(pid)[0] as number
  process.kill(victim, 'SIGKILL')
  assert.ok((await ask(address, 'PUT', 'sys/rotate', undefined, keys.token).catch(() => ({ status: 204 }))).status < 500)
  await until('another worker takes its place', () => !workersOf(pid).includes(victim) && workersOf(pid).length === 2)
  await writer.stop()
  for (let round = 0; round < 4; round++) await assertKept(address, keys.token, writer.acknowledged)
  assert.ok((await term(address, keys.token)) >= 11)
})

test('killed while it rotates, a server has every term that anything was written under', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const first = await ready(t, at, port)
  const { keys } = first
  let { address, process: child } = first as Awaited<ReturnType<typeof productionServer>>
  for (let round = 0; round < 3; round++) {
    const writer = write(address, keys.token)
    const before = await term(address, keys.token)
    const rotating = Promise.allSettled(Array.from({ length: 40 }, () => ask(address, 'PUT', 'sys/rotate', undefined, keys.token)))
    await until('terms pass', async () => (await term(address, keys.token)) > before + 3)
    await killed(child)
    await writer.stop()
    await rotating
    ;({ address, process: child } = await productionServer(t, { at, port }))
    await unseal(address, keys)
    await assertKept(address, keys.token, writer.acknowledged)
    assert.ok((await term(address, keys.token)) > before + 3)
  }
})
