// Who fits inside, and that nothing is remembered of who has left.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../base/fault.ts'
import { Crowd, type Lane, type Refusal, type Room } from './crowd.ts'
import { EDGE_LIMITS } from './limits.ts'

const LIMITS = {
  ...EDGE_LIMITS,
  concurrent: 6,
  concurrentPerClient: 4,
  anonymousPerClient: 2,
  vital: 8,
  bytes: 100,
  bytesPerClient: 60,
  connectionsPerClient: 3,
}

function openCrowd() {
  const refused: Refusal[] = []
  const crowd = new Crowd(LIMITS, (why) => void refused.push(why))
  /** Status and text of the refusal; undefined where there was room. */
  const attempt = (run: () => unknown): string | undefined => {
    try {
      run()
      return undefined
    } catch (error) {
      assert.ok(error instanceof Fault)
      return `${error.status} ${error.message}`
    }
  }
  return { crowd, refused, attempt }
}

test('one client can not take all room', () => {
  const { crowd, refused, attempt } = openCrowd()
  const rooms = Array.from({ length: 4 }, () => crowd.enter('ann', 'ordinary'))
  assert.equal(
    attempt(() => crowd.enter('ann', 'ordinary')),
    '429 too many requests at once from this address',
  )
  crowd.enter('bob', 'ordinary')
  crowd.enter('bob', 'ordinary')
  assert.equal(
    attempt(() => crowd.enter('bob', 'ordinary')),
    '503 too many requests at once',
  )
  crowd.leave(rooms[0] as Room)
  crowd.enter('bob', 'ordinary')
  assert.deepEqual(refused, ['client-requests', 'requests'])
})

test('of requests without a token there may be fewer', () => {
  const { crowd, attempt } = openCrowd()
  crowd.enter('ann', 'anonymous')
  crowd.enter('ann', 'anonymous')
  assert.equal(
    attempt(() => crowd.enter('ann', 'anonymous')),
    '429 too many requests without a token at once from this address',
  )
  crowd.enter('ann', 'ordinary')
})

test('vital requests have room of their own, of which one client gets a part, and then what others get', () => {
  const { crowd, attempt } = openCrowd()
  for (const client of ['ann', 'bob', 'cid']) for (let n = 0; n < 2; n++) crowd.enter(client, 'ordinary')
  assert.equal(
    attempt(() => crowd.enter('dan', 'ordinary')),
    '503 too many requests at once',
  )
  for (let n = 0; n < 2; n++) assert.equal(crowd.enter('dan', 'vital').lane, 'vital')
  assert.equal(
    attempt(() => crowd.enter('dan', 'vital')),
    '503 too many requests at once',
  )
  for (const client of ['ann', 'bob', 'cid']) for (let n = 0; n < 2; n++) assert.equal(crowd.enter(client, 'vital').lane, 'vital')
  assert.equal(
    attempt(() => crowd.enter('eve', 'vital')),
    '503 too many requests at once',
    'all of it is taken',
  )
})

test('what is sent takes memory until its request leaves', () => {
  const { crowd, attempt } = openCrowd()
  const [ann, again, bob] = [crowd.enter('ann', 'ordinary'), crowd.enter('ann', 'ordinary'), crowd.enter('bob', 'ordinary')]
  crowd.hold(ann, 30)
  crowd.hold(again, 30)
  assert.equal(
    attempt(() => crowd.hold(ann, 1)),
    '429 too much is being sent at once from this address',
  )
  assert.equal(
    attempt(() => crowd.hold(bob, 41)),
    '503 too much is being sent at once',
  )
  crowd.leave(ann)
  crowd.hold(bob, 41)
  crowd.hold(again, 29)
})

test('connections are counted by client', () => {
  const { crowd, attempt } = openCrowd()
  for (let n = 0; n < 3; n++) crowd.connect('ann')
  assert.equal(
    attempt(() => crowd.connect('ann')),
    '429 too many connections from this address',
  )
  crowd.connect('bob')
  crowd.disconnect('ann')
  crowd.connect('ann')
})

test('however they come and go, no limit is passed and nobody who left is remembered', () => {
  const client = fc.constantFrom('ann', 'bob', 'cid')
  const step = fc.oneof(
    fc.record({ does: fc.constant('enter' as const), client, lane: fc.constantFrom<Lane>('vital', 'anonymous', 'ordinary') }),
    fc.record({ does: fc.constant('hold' as const), at: fc.nat(9), bytes: fc.nat(40) }),
    fc.record({ does: fc.constant('leave' as const), at: fc.nat(9) }),
    fc.record({ does: fc.constant('connect' as const), client }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { crowd, attempt } = openCrowd()
      const rooms: Room[] = []
      const connections: string[] = []
      for (const one of steps) {
        attempt(() => {
          if (one.does === 'enter') rooms.push(crowd.enter(one.client, one.lane))
          if (one.does === 'hold' && rooms[one.at]) crowd.hold(rooms[one.at] as Room, one.bytes)
          if (one.does === 'leave') for (const room of rooms.splice(one.at, 1)) crowd.leave(room)
          if (one.does === 'connect') {
            crowd.connect(one.client)
            connections.push(one.client)
          }
        })
        const of = (name: string, lane: Lane) => rooms.filter((room) => room.client === name && room.lane === lane).length
        for (const name of ['ann', 'bob', 'cid']) {
          assert.ok(of(name, 'anonymous') <= 2 && of(name, 'anonymous') + of(name, 'ordinary') <= 4 && of(name, 'vital') <= 2)
          assert.ok(rooms.filter((room) => room.client === name).reduce((sum, { bytes }) => sum + bytes, 0) <= 60)
          assert.ok(connections.filter((one) => one === name).length <= 3)
        }
        assert.ok(rooms.filter(({ lane }) => lane !== 'vital').length <= 6 && rooms.reduce((sum, { bytes }) => sum + bytes, 0) <= 100)
        assert.equal(crowd.clients, new Set([...rooms.map((room) => room.client), ...connections]).size)
      }
      for (const room of rooms) crowd.leave(room)
      for (const name of connections) crowd.disconnect(name)
      assert.equal(crowd.clients, 0)
    }),
    { numRuns: 500 },
  )
})
