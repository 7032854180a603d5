import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openKeeping } from '../agent/keeping.ts'
import { silent } from '../base/log.ts'
import { folder } from '../../test/support/server.ts'
import { openDrawer, readOrMakeKey } from './agent-drawer.ts'

const random = { bytes: (size: number) => randomBytes(size) }
const modeOf = (path: string) => statSync(path).mode & 0o777

describe("an agent's folder", () => {
  test('files are for its user alone, and are replaced whole', (t) => {
    const at = join(folder(t), 'data')
    const drawer = openDrawer(at)
    assert.equal(modeOf(at), 0o700)
    drawer.write('one', Buffer.from('first'))
    drawer.write('one', Buffer.from('second'))
    assert.equal(String(drawer.read('one')), 'second')
    assert.deepEqual(readdirSync(at), ['one.sealed'])
    assert.equal(modeOf(join(at, 'one.sealed')), 0o600)
    drawer.remove('one')
    drawer.remove('one')
    assert.equal(drawer.read('one'), undefined)
  })

  test('one that others can get at is refused', (t) => {
    const at = folder(t)
    chmodSync(at, 0o755)
    assert.throws(() => openDrawer(at), /others can get at/)
  })

  test('the key is made once, for its user alone', (t) => {
    const path = join(folder(t), 'keys/cache.key')
    const key = readOrMakeKey(path, random)
    assert.deepEqual(readOrMakeKey(path, random), key)
    assert.deepEqual([key.length, modeOf(path)], [32, 0o600])
  })

  test('a key that others can read, or that is none, is refused', (t) => {
    const path = join(folder(t), 'cache.key')
    writeFileSync(path, randomBytes(32), { mode: 0o644 })
    assert.throws(() => readOrMakeKey(path, random), /others can get at/)
    writeFileSync(path, randomBytes(31))
    chmodSync(path, 0o400)
    assert.throws(() => readOrMakeKey(path, random), /not a key of 32 bytes/)
  })
})

describe('what an agent keeps', () => {
  const log = silent

  test('opens under its own key and name only', (t) => {
    const drawer = openDrawer(join(folder(t), 'data'))
    const [key, other] = [randomBytes(32), randomBytes(32)]
    const keeping = openKeeping(drawer, key, random, log)
    keeping.save('one', { secret: 'plain words' })
    assert.deepEqual(keeping.load('one'), { secret: 'plain words' })
    const sealed = drawer.read('one') as Buffer
    assert.ok(!sealed.includes('plain words'))
    assert.equal(openKeeping(drawer, other, random, log).load('one'), undefined)
    drawer.write('two', sealed)
    assert.equal(keeping.load('two'), undefined)
    keeping.forget('one')
    assert.equal(keeping.load('one'), undefined)
  })
})
