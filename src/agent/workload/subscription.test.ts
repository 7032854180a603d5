import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { GrpcError, STATUS, type Call } from '../../wire/grpc.ts'
import { handTimers } from '../../testing/clock.ts'
import type { Agent } from '../agent.ts'
import { bell } from '../bell.ts'
import type { Process } from '../processes.ts'
import { subscribe } from './subscription.ts'

/** A stream to a process that a test has in its hands; what it is told are its selectors. */
function opened() {
  const changes = bell()
  const timers = handTimers()
  const cancel = new AbortController()
  const state = { ready: true, alive: true, image: 'one', selectors: 'unix:uid:1', attested: 0 }
  const process = { isAlive: () => state.alive, image: () => state.image } as Process
  const deps = {
    agent: { ready: () => state.ready, changes } as unknown as Agent,
    processOf: () => process,
    timers,
    attest: async () => {
      state.attested++
      return new Set([state.selectors])
    },
  }
  const call = { peer: 'p', signal: cancel.signal } as Call
  const told = subscribe(deps, call, async (selectors) => [...selectors].join())
  const look = () => timers.fire(5_000)
  return { state, changes, cancel, told, look, next: async () => (await told.next()).value as string | undefined }
}

describe('a stream to a workload', () => {
  test('begins with all there is, and goes on with what changed', async () => {
    const { changes, next, cancel, state } = opened()
    assert.equal(await next(), 'unix:uid:1')
    const second = next()
    changes.ring()
    assert.equal(await second, 'unix:uid:1')
    assert.equal(state.attested, 1)
    const last = next()
    cancel.abort()
    assert.equal(await last, undefined)
  })

  test('a workload that became another program or user is described anew', async () => {
    const { state, look, next } = opened()
    await next()
    const second = next()
    Object.assign(state, { image: 'two', selectors: 'unix:uid:2' })
    look()
    assert.equal(await second, 'unix:uid:2')
    assert.equal(state.attested, 2)
  })

  test('one that has ended gets nothing more, whoever else holds its connection', async () => {
    const { state, look, changes, next } = opened()
    await next()
    const second = next()
    state.alive = false
    look()
    await assert.rejects(second, (error) => error instanceof GrpcError && error.code === STATUS.unavailable)
    assert.equal(await next(), undefined)
    changes.ring()
  })

  test('an agent that may serve nobody any more ends it', async () => {
    const { state, changes, next } = opened()
    await next()
    const second = next()
    state.ready = false
    changes.ring()
    await assert.rejects(second, /serves nobody any more/)
  })

  test('a look that finds nothing new says nothing', async () => {
    const { look, next, cancel } = opened()
    await next()
    const second = next()
    look()
    cancel.abort()
    assert.equal(await second, undefined)
  })
})
