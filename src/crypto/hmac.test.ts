import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { equalBytes, hmacSha256 } from './hmac.ts'
import { secretKey } from './secret-key.ts'

type Vector = Record<'comment' | 'key' | 'msg' | 'tag' | 'result', string> & { tcId: number }

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../../test/vectors/wycheproof-hmac-sha256.json', import.meta.url), 'utf8'))

test('all Wycheproof vectors', () => {
  assert.equal(vectors.length, 174)
  for (const { tcId, comment, key, msg, tag, result } of vectors) {
    for (const form of [Buffer.from(key, 'hex'), secretKey(Buffer.from(key, 'hex'))]) {
      const mac = hmacSha256(form, Buffer.from(msg, 'hex')).slice(0, tag.length)
      assert.equal(mac === tag, result === 'valid', `${tcId}: ${comment}`)
    }
  }
})

test('a text counts as its UTF-8 bytes', () => {
  const key = Buffer.alloc(32, 7)
  assert.equal(hmacSha256(key, 'grüße'), hmacSha256(key, Buffer.from('grüße')))
})

test('equal bytes', () => {
  assert.ok(equalBytes(Buffer.from('abc'), new Uint8Array([97, 98, 99])))
  assert.ok(!equalBytes(Buffer.from('abc'), Buffer.from('abd')))
  assert.ok(!equalBytes(Buffer.from('abc'), Buffer.from('ab')))
})
