// Hand-offs to a worker as Node makes them: what the worker took stays its own, what it took nowhere is ended with it.
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { watchHandOffs, type WorkerProcess } from './hand-offs.ts'

test('only connections that were not taken end with their worker', () => {
  const ended: string[] = []
  const sent: unknown[] = []
  const worker = Object.assign(new EventEmitter(), {
    connected: true,
    send: (message: unknown) => sent.push(message) > 0,
    disconnect() {
      ended.push('channel')
    },
  })
  watchHandOffs(worker as unknown as WorkerProcess)
  const send = worker.send as (message: unknown, handle?: unknown) => boolean
  for (const seq of [1, 2, 3])
    assert.equal(send({ cmd: 'NODE_CLUSTER', act: 'newconn', seq }, { close: () => ended.push(`connection ${seq}`) }), true)
  send({ cmd: 'NODE_CLUSTER', act: 'disconnect', seq: 4 })
  assert.equal(sent.length, 4)
  worker.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: 1, accepted: true })
  worker.emit('internalMessage', { cmd: 'NODE_OTHER', ack: 2 })
  worker.emit('exit', null, 'SIGKILL')
  assert.deepEqual(ended, ['connection 2', 'connection 3', 'channel'])
})
