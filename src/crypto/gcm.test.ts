import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gcmOpen, gcmSeal, TAG_BYTES } from './gcm.ts'
import { secretKey } from './secret-key.ts'

type Vector = Record<'comment' | 'key' | 'iv' | 'aad' | 'msg' | 'ct' | 'tag' | 'result', string> & { tcId: number }

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../../test/vectors/wycheproof-aes-256-gcm.json', import.meta.url), 'utf8'))

test('all Wycheproof vectors, under raw keys and secret keys', () => {
  assert.equal(vectors.length, 66)
  for (const vector of vectors) {
    const [key, nonce, aad, text, cipher] = [vector.key, vector.iv, vector.aad, vector.msg, vector.ct + vector.tag].map(hex) as Five
    for (const form of [key, secretKey(key)]) {
      const opened = gcmOpen(form, nonce, cipher, aad)
      assert.deepEqual(opened, vector.result === 'valid' ? text : undefined, `${vector.tcId}: ${vector.comment}`)
      if (vector.result !== 'valid') continue
      const sealed = Buffer.alloc(text.length + TAG_BYTES)
      gcmSeal(form, nonce, text, aad, sealed, 0)
      assert.deepEqual(sealed, cipher, `${vector.tcId}: ${vector.comment}`)
    }
  }
})

test('a cut tag is refused', () => {
  const key = Buffer.alloc(32, 1)
  const nonce = Buffer.alloc(12, 2)
  const sealed = Buffer.alloc(16)
  gcmSeal(key, nonce, Buffer.alloc(0), Buffer.alloc(0), sealed, 0)
  for (let length = 0; length < 16; length++) assert.equal(gcmOpen(key, nonce, sealed.subarray(0, length), Buffer.alloc(0)), undefined)
})

type Five = [Buffer, Buffer, Buffer, Buffer, Buffer]

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex')
}
