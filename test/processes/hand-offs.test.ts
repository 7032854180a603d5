// Clients that come while workers are killed: each is answered or cut off, and none is left waiting.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { folder } from '../support/server.ts'
import { ready, until, workersOf } from './load.ts'

const LANES = 16
const KILLS = 6
/** Longer than anybody should wait; only a client that is left waiting gets there. */
const PATIENCE_MS = 15_000

type End = 'answered' | 'cut off' | 'left waiting'

/** One request on a connection of its own. */
function visit(port: number): Promise<End> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answered = false
    const patience = setTimeout(() => end('left waiting'), PATIENCE_MS)
    const end = (how: End): void => {
      clearTimeout(patience)
      socket.destroy()
      resolve(how)
    }
    socket.once('connect', () => socket.write('GET /v1/sys/seal-status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'))
    socket.once('data', () => {
      answered = true
    })
    socket.once('error', () => end('cut off'))
    socket.once('close', () => end(answered ? 'answered' : 'cut off'))
  })
}

test('a worker that is killed leaves no client waiting', { timeout: 120_000 }, async (t) => {
  const { address, process: server } = await ready(t, folder(t))
  const port = Number(new URL(address).port)
  const ends = new Map<End, number>()
  let over = false
  const lanes = Array.from({ length: LANES }, async () => {
    while (!over) {
      const how = await visit(port)
      ends.set(how, (ends.get(how) ?? 0) + 1)
    }
  })
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const before = workersOf(server.pid as number)
      const seen = ends.get('answered') ?? 0
      process.kill(before[kill % before.length] as number, 'SIGKILL')
      await until('another worker serves', () => {
        const now = workersOf(server.pid as number)
        return now.length === before.length && now.some((pid) => !before.includes(pid)) && (ends.get('answered') ?? 0) > seen + 200
      })
    }
  } finally {
    over = true
    await Promise.all(lanes)
  }
  t.diagnostic(JSON.stringify(Object.fromEntries(ends)))
  assert.equal(ends.get('left waiting') ?? 0, 0)
})
