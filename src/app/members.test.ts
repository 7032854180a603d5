// Workers that break off or can't be made, without processes: the supervisor outlives each, ends it and replaces it.
import assert from 'node:assert/strict'
import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { type TestContext, test } from 'node:test'
import { silent } from '../base/log.ts'
import { openMembers } from './members.ts'

/** As much of a worker as the supervisor sees. Its end is told by whoever tests. */
class FakeWorker extends EventEmitter {
  readonly signals: string[] = []
  readonly process: EventEmitter

  constructor(pid?: number) {
    super()
    const kill = (signal: string) => this.signals.push(signal) > 0
    this.process = Object.assign(new EventEmitter(), { pid, kill, connected: false })
  }

  send(): boolean {
    return true
  }
}

async function serving(t: TestContext, workers: readonly FakeWorker[]) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const forked: FakeWorker[] = []
  const fork = () => {
    const worker = workers[forked.length] ?? assert.fail('one worker too many')
    forked.push(worker)
    return worker as unknown as Worker
  }
  let replaced = 0
  const members = openMembers(
    silent,
    () => replaced++,
    () => ({}),
    fork,
  )
  members.start()
  workers[0]?.emit('message', { call: 1, name: 'started' })
  await members.started
  return { members, forked, replaced: () => replaced }
}

test('a worker whose channel broke is killed, and replaced once it is gone', async (t) => {
  const [first, second] = [new FakeWorker(11), new FakeWorker(12)]
  const { members, forked, replaced } = await serving(t, [first, second])
  first.emit('error', new Error('write EPIPE'))
  assert.deepEqual(first.signals, ['SIGKILL'])
  assert.equal(members.count, 1)
  first.emit('exit', null, 'SIGKILL')
  assert.equal(replaced(), 1)
  t.mock.timers.tick(1_000)
  assert.equal(forked.length, 2)
  assert.equal(members.count, 1)
})

test('what Node finds wrong with the channel of a worker that has ended is nothing to anybody', async (t) => {
  const [first, second] = [new FakeWorker(11), new FakeWorker(12)]
  const { forked, replaced } = await serving(t, [first, second])
  first.emit('exit', null, 'SIGKILL')
  first.emit('error', new Error('IPC channel is already disconnected'))
  t.mock.timers.tick(1_000)
  assert.deepEqual(first.signals, [])
  assert.equal(forked.length, 2)
  assert.equal(replaced(), 1)
})

test('a worker for which there was no process is tried again', async (t) => {
  const [first, none, third] = [new FakeWorker(11), new FakeWorker(), new FakeWorker(13)]
  const { members, forked } = await serving(t, [first, none, third])
  first.emit('exit', null, 'SIGKILL')
  t.mock.timers.tick(1_000)
  none.emit('error', new Error('spawn EAGAIN'))
  assert.equal(members.count, 0)
  t.mock.timers.tick(1_000)
  assert.equal(forked.length, 3)
  assert.equal(members.count, 1)
})
