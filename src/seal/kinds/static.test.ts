import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import { parseShape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { BrokenRecord } from '../../crypto/aead.ts'
import { staticSeal, staticShape } from './static.ts'

const rootKey = randomBytes(32)
const [one, two] = [randomBytes(32), randomBytes(32)]

interface Around {
  readonly files?: Readonly<Record<string, Buffer>>
  readonly env?: Readonly<Record<string, string>>
}

function open(raw: JsonObject, { files = {}, env = {} }: Around = {}) {
  const readFile = (path: string): Buffer => {
    const content = files[path]
    if (!content) throw Object.assign(new Error('no'), { code: 'ENOENT' })
    return Buffer.from(content)
  }
  return staticSeal(parseShape(staticShape, raw), { random: { bytes: randomBytes }, readFile, env: (name) => env[name] })
}

test('takes its key from a file, the environment or the stanza, in any form that is clear', async () => {
  const forms: [string, Around][] = [
    [one.toString('hex'), {}],
    [one.toString('base64'), {}],
    ['env://KEY', { env: { KEY: `${one.toString('base64')}\n` } }],
    ['file:///k', { files: { '/k': one } }],
    ['file:///k', { files: { '/k': Buffer.from(`${one.toString('hex').toUpperCase()}\n`) } }],
  ]
  const wrapped = await open({ current_key_id: 'a', current_key: one.toString('hex') }).wrap(rootKey)
  assert.equal(wrapped.keyId, 'a')
  for (const [source, around] of forms) {
    assert.deepEqual(await open({ current_key_id: 'a', current_key: source }, around).unwrap(wrapped), rootKey, source)
  }
})

test('unwraps by the key of before, and wraps by the present one', async () => {
  const before = await open({ current_key_id: 'a', current_key: one.toString('hex') }).wrap(rootKey)
  const both = open({ current_key_id: 'b', current_key: two.toString('hex'), previous_key_id: 'a', previous_key: one.toString('hex') })
  assert.deepEqual(await both.unwrap(before), rootKey)
  const after = await both.wrap(rootKey)
  assert.equal(after.keyId, 'b')
  const only = open({ current_key_id: 'b', current_key: two.toString('hex') })
  assert.deepEqual(await only.unwrap(after), rootKey)
  await assert.rejects(only.unwrap(before), /wrapped by the key "a", which is not configured/)
  await assert.rejects(only.unwrap({ ...after, text: before.text }), BrokenRecord)
})

test('refuses keys that can’t be used, without repeating them', () => {
  const good = one.toString('hex')
  const cases: [JsonObject, string, Around?][] = [
    [{ current_key_id: 'a' }, 'missing current_key'],
    [{ current_key: good }, 'missing current_key_id'],
    [{ current_key_id: 'a', current_key: 'abcd' }, 'current_key must be 32 bytes in hex or base64; in a file, also as they are'],
    [{ current_key_id: 'a', current_key: 'x'.repeat(32) }, 'current_key must be 32 bytes in hex or base64; in a file, also as they are'],
    [{ current_key_id: 'a', current_key: 'env://NONE' }, 'current_key: the environment has no NONE'],
    [{ current_key_id: 'a', current_key: 'file:///none' }, "current_key: /none can't be read: ENOENT"],
    [
      { current_key_id: 'a', current_key: 'file:///half' },
      'current_key must be 32 bytes in hex or base64; in a file, also as they are',
      { files: { '/half': Buffer.from(good.slice(0, 32)) } },
    ],
    [{ current_key_id: 'a', current_key: good, previous_key: good }, 'previous_key and previous_key_id are needed together, or neither'],
    [{ current_key_id: 'a', current_key: good, previous_key: good, previous_key_id: 'a' }, 'current_key_id and previous_key_id must differ'],
  ]
  for (const [raw, message, around] of cases) {
    assert.throws(
      () => open(raw, around),
      (error) => error instanceof Fault && error.code === 'invalid' && error.message === message,
      message,
    )
  }
})
