// An agent whose machine gives it no more files, and whose workloads vanish or do not read.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { until } from '../../src/testing/until.ts'
import { nodeOf, trustDomainServer } from '../support/agent.ts'
import { folder, SIGNET } from '../support/server.ts'
import { run } from '../support/tools.ts'

const CROWD = 400
const ROOM = 40

test('out of file descriptors, an agent refuses, and serves again when there is room', async (t) => {
  const { socket, pid, entry } = await nodeOf(t, await trustDomainServer(t, folder(t)), folder(t))
  await entry('/me', {})
  const open = () => readdirSync(`/proc/${pid}/fd`).length
  await run('prlimit', ['--pid', String(pid), `--nofile=${open() + ROOM}:${open() + ROOM}`])
  const sockets: Socket[] = []
  t.after(() => sockets.forEach((one) => one.destroy()))
  let closed = 0
  for (let one = 0; one < CROWD; one++) {
    const made = connect(socket)
    made.on('error', () => {}).on('close', () => closed++)
    sockets.push(made)
  }
  await until('those for whom there is no room are sent away', () => closed >= CROWD - ROOM)
  assert.ok(closed < CROWD, 'some of them are connected')
  for (const one of sockets) one.destroy()
  const fetched = () =>
    run(SIGNET, ['agent', 'api', 'fetch', 'x509', `-socket-path=${socket}`]).then(
      ({ stdout }) => stdout,
      () => '',
    )
  await until('it serves again', async () => (await fetched()).includes('spiffe://example.org/me'))
  assert.equal(process.kill(pid, 0), true)
})
