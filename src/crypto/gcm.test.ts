import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { copies, remains } from '../../test/support/memory.ts'
import { gcmOpen, gcmSeal, NONCE_BYTES, TAG_BYTES } from './gcm.ts'
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

const OPENER = `
import { once } from 'node:events'
const { gcmOpen } = await import(${JSON.stringify(new URL('./gcm.ts', import.meta.url).href)})
const [chunk] = await once(process.stdin, 'data')
for (const line of chunk.toString().trim().split('\\n')) {
  gcmOpen(Buffer.alloc(32, 1), Buffer.alloc(12), Buffer.from(line, 'hex'), Buffer.alloc(0)).fill(0)
}
process.stdout.write('opened\\n')
await once(process.stdin, 'end')
`

test('what was opened under raw key bytes stands nowhere once it was wiped', { skip: process.platform !== 'linux' }, async () => {
  const secrets = [32, 47, 54, 209, 500, 1_000, 5_000].map((size) => randomBytes(size))
  const child = spawn(process.execPath, ['--input-type=module', '--eval', OPENER], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const sealed = secrets.map((secret) => {
      const out = Buffer.alloc(secret.length + TAG_BYTES)
      gcmSeal(Buffer.alloc(32, 1), Buffer.alloc(NONCE_BYTES), secret, Buffer.alloc(0), out, 0)
      return out.toString('hex')
    })
    child.stdin.write(`${sealed.join('\n')}\n`)
    await once(child.stdout, 'data')
    assert.deepEqual(
      copies(child.pid as number, secrets.map(remains)),
      secrets.map(() => 0),
    )
  } finally {
    child.kill('SIGKILL')
  }
})
