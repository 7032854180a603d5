import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import { parseShape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { awskmsSeal, awskmsShape, type Kms, type KmsSettings } from './awskms.ts'

const rootKey = randomBytes(32)

function open(more: JsonObject = {}, kms: Partial<Kms> = {}) {
  const seen: KmsSettings[] = []
  const flip = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte) => byte ^ 0x5a)
  const seal = awskmsSeal(parseShape(awskmsShape, { kms_key_id: 'alias/signet', ...more }), async (settings) => {
    seen.push(settings)
    return {
      encrypt: async (keyId, plaintext) => ({ keyId: `arn of ${keyId}`, ciphertext: flip(plaintext) }),
      decrypt: async (keyId, ciphertext) => {
        assert.equal(keyId, 'arn of alias/signet')
        return flip(ciphertext)
      },
      ...kms,
    }
  })
  return { seal, seen }
}

test('wraps by the key that was named, and unwraps by the one that did', async () => {
  const { seal, seen } = open()
  assert.equal(seen.length, 0)
  const wrapped = await seal.wrap(rootKey)
  assert.equal(wrapped.keyId, 'arn of alias/signet')
  assert.deepEqual(await seal.unwrap(wrapped), rootKey)
  assert.deepEqual(seen, [{ region: undefined, endpoint: undefined, credentials: undefined }])
})

test('hands on what it was told, and leaves the rest to the client', async () => {
  const { seal, seen } = open({ region: 'eu-central-1', access_key: 'a', secret_key: 's', session_token: 't', endpoint: 'https://kms.example' })
  await seal.wrap(rootKey)
  const credentials = { accessKeyId: 'a', secretAccessKey: 's', sessionToken: 't' }
  assert.deepEqual(seen, [{ region: 'eu-central-1', endpoint: 'https://kms.example', credentials }])
})

test('what is no root key is refused', async () => {
  const { seal } = open({}, { decrypt: async () => new Uint8Array(16) })
  await assert.rejects(seal.unwrap(await seal.wrap(rootKey)), /another length/)
})

test('parameters that can’t be used', () => {
  const cases: [JsonObject, string][] = [
    [{ access_key: 'a' }, 'access_key and secret_key are needed together, or neither'],
    [{ session_token: 't' }, 'session_token needs access_key and secret_key'],
    [{ endpoint: 'kms.example' }, 'endpoint must be a URL: https://…'],
    [{ kms_key_id: null }, 'missing kms_key_id'],
  ]
  for (const [more, message] of cases)
    assert.throws(
      () => open(more),
      (error) => error instanceof Fault && error.message === message,
    )
})
