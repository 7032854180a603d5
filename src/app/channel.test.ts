// Calls between two ends: answers, faults, bytes that nobody on the way can read, and the order of messages.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { silent } from '../base/log.ts'
import { type Handlers, openChannel } from './channel.ts'
import { bytesIn, type Wire } from './sealed-wire.ts'

/** Two wires that carry copies to each other, each message in a turn of its own, and what went over them. */
function pair(): { wires: [Wire, Wire]; carried: unknown[] } {
  const listeners: ((message: unknown) => void)[] = []
  const carried: unknown[] = []
  const wire = (own: number): Wire => ({
    send(message) {
      const copy = structuredClone(message)
      carried.push(copy)
      setImmediate(() => listeners[1 - own]?.(copy))
    },
    receive: (listener) => void (listeners[own] = listener),
  })
  return { wires: [wire(0), wire(1)], carried }
}

function connect(handlers: Handlers) {
  const { wires, carried } = pair()
  openChannel(wires[1], handlers, silent)
  return { channel: openChannel(wires[0], {}, silent), carried }
}

const holds = (carried: unknown[], secret: Buffer) => bytesIn(carried).some((bytes) => Buffer.from(bytes).includes(secret))

test('an answer, a fault, and an error that tells nothing', async () => {
  const { channel } = connect({
    add: ({ a, b }: { a: number; b: number }) => a + b,
    refuse: () => {
      throw new Fault('invalid', 'no', 'really')
    },
    fail: () => {
      throw new Error('a secret')
    },
  })
  assert.equal(await channel.call('add', { a: 1, b: 2 }), 3)
  await assert.rejects(channel.call('refuse'), { code: 'invalid', errors: ['no', 'really'] })
  await assert.rejects(channel.call('fail'), { code: 'internal', errors: ['internal error'] })
  await assert.rejects(channel.call('nothing'), { code: 'internal' })
})

test('bytes cross in neither direction as they are, and a handler’s own are wiped', async () => {
  const secret = Buffer.from('a secret that is longer than a few bytes')
  const results: Buffer[] = []
  const { channel, carried } = connect({
    twice(bytes: Uint8Array) {
      const result = Buffer.concat([bytes, bytes])
      results.push(result)
      return result
    },
  })
  const answers = await Promise.all([1, 2, 3].map(() => channel.call<Uint8Array>('twice', secret)))
  for (const answer of answers) assert.deepEqual(Buffer.from(answer), Buffer.concat([secret, secret]))
  assert.ok(carried.length > 6)
  assert.ok(!holds(carried, secret))
  assert.ok(results.every((result) => result.every((byte) => byte === 0)))
  assert.equal(secret.toString(), 'a secret that is longer than a few bytes', 'an argument stays the caller’s')
})

test('nor do bytes within other things', async () => {
  const secret = Buffer.from('a secret that is longer than a few bytes')
  const { channel, carried } = connect({
    join: ({ keys: [first] }: { keys: Uint8Array[] }) => ({ keys: Buffer.from(first as Uint8Array), active: 2, none: undefined }),
  })
  const joined = await channel.call<{ keys: Buffer }>('join', { keys: [secret, secret], more: [null, 'x'] })
  assert.deepEqual(joined, { keys: secret, active: 2, none: undefined })
  assert.ok(!holds(carried, secret))
})

test('what is sent after bytes is never handled before them', async () => {
  const seen: unknown[] = []
  const { channel } = connect({ note: (what: unknown) => void seen.push(what instanceof Uint8Array ? Buffer.from(what).toString() : what) })
  await Promise.all([channel.call('note', Buffer.from('keys')), channel.call('note', 'wipe'), channel.call('note', Buffer.from('again'))])
  assert.deepEqual(seen, ['keys', 'wipe', 'again'])
})

test('abandoning fails what waits', async () => {
  const { channel } = connect({ never: () => new Promise(() => {}) })
  const waiting = [channel.call('never'), channel.call('never', Buffer.from('keys'))]
  channel.abandon()
  for (const one of waiting) await assert.rejects(one, { code: 'unavailable' })
})
