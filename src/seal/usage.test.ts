import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { random } from '../app/ports.ts'
import { Fault } from '../base/fault.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { faulty } from '../store/faulty.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { stillTimers as timers } from '../testing/clock.ts'
import { barrier } from './barrier.ts'
import { Keyring } from './keyring.ts'
import { takenOf, Usage } from './usage.ts'

function setUp(store: Store = memory({ timers })) {
  const keyring = new Keyring()
  keyring.addTerm(randomBytes(32), 0)
  const open = () => {
    const usage = new Usage(store, keyring, random)
    const inside = barrier(store, keyring, random, (term, count) => usage.take(term, count))
    return { usage, put: (name: string) => inside.commit({ ops: [{ key: name, value: Buffer.from('x') }] }) }
  }
  const used = (...ofs: Usage[]) => takenOf(store, keyring, keyring.active) - ofs.reduce((sum, one) => sum + one.unspent(keyring.active), 0)
  return { store, keyring, open, used }
}

test('counts what several processes seal, and their own counting', async () => {
  const { open, used } = setUp()
  const [one, two] = [open(), open()]
  await Promise.all(Array.from({ length: 10 }, (_, n) => [one.put(`a${n}`), two.put(`b${n}`)]).flat())
  assert.equal(used(one.usage, two.usage), 22)
})

test('a killed process makes the count too high, never too low', async () => {
  const { open, used } = setUp()
  let sealed = 0
  for (let life = 0; life < 5; life++) {
    const { put } = open()
    for (let n = 0; n < 3; n++, sealed++) await put(`a${sealed}`)
  }
  assert.ok(used() >= sealed + 5)
})

test('asks less often the more it seals', async () => {
  const { store, open, used } = setUp()
  const { usage, put } = open()
  for (let n = 0; n < 5_000; n++) await put('a')
  assert.ok(store.revision < 5_005)
  assert.equal(used(usage), store.revision)
})

test('nothing is written under a key whose count could not be', async () => {
  const raw = memory({ timers })
  const { keyring, open } = setUp(faulty(raw, { fate: (nth) => (nth === 1 ? 'refuse' : 'commit') }))
  const { put } = open()
  await assert.rejects(put('a'), (error) => error instanceof Fault && error.code === 'unavailable')
  assert.equal(raw.revision, 0)
  await put('a')
  assert.equal(keyring.active, 1)
  assert.equal(raw.revision, 2)
})

test('a lowered count is noticed, and terms count on their own', async () => {
  const { store, keyring, open, used } = setUp()
  const { usage, put } = open()
  await put('a')
  keyring.addTerm(randomBytes(32), 0)
  assert.equal(used(usage), 0)
  await put('a')
  assert.equal(used(usage), 2)
  await store.commit({ ops: [{ key: 'core/barrier/used/2', value: store.get('core/barrier/used/1')?.value }] })
  assert.throws(() => takenOf(store, keyring, 2), BrokenRecord)
})
