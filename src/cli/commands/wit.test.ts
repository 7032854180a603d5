import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const WEB = 'spiffe://example.org/web'
const script = { 'POST spiffe/svid/wit': { data: { spiffe_id: WEB, svid: 'a.b.c', expires_at: '2026-06-01T00:00:00Z' } } }

/** What was sent, which is the public half of what was kept. */
function isPairOf(sent: string | undefined, kept: string, alg: string): void {
  const { jwk, ...wish } = JSON.parse(sent?.slice('POST spiffe/svid/wit '.length) ?? '')
  assert.deepEqual(wish, { spiffe_id: WEB, ttl: 60 })
  assert.deepEqual([jwk.alg, 'd' in jwk], [alg, false])
  const key = createPrivateKey({ key: JSON.parse(kept), format: 'jwk' })
  assert.ok(createPublicKey(key).equals(createPublicKey({ key: jwk, format: 'jwk' })))
}

for (const [flags, alg] of [
  ['', 'ES256'],
  [' -keyType=ec-p384', 'ES384'],
  [' -keyType=rsa-2048', 'RS256'],
  [' -keyType=rsa-2048 -signingAlgorithm=PS512', 'PS512'],
] as const) {
  test(`a WIT-SVID is minted for a key that stays here, by ${alg}${flags}`, async () => {
    const { code, out, sent } = await runWith(`wit mint -spiffeID=${WEB} -ttl=60s${flags}`, { script })
    const [token = '', key = ''] = out.split('\n')
    assert.deepEqual([code, token], [0, 'a.b.c'])
    isPairOf(sent[0], key, alg)
  })
}

test('token and key are written for their owner alone', async () => {
  const { out, files, modes, sent } = await runWith(`wit mint -spiffeID=${WEB} -ttl=60 -write=/run/web/`, { script })
  assert.equal(out, 'WIT-SVID written to /run/web/token\nPrivate key written to /run/web/key\n')
  assert.equal(files.get('/run/web/token'), 'a.b.c')
  isPairOf(sent[0], files.get('/run/web/key') ?? '', 'ES256')
  assert.deepEqual([modes.get('/run/web/token'), modes.get('/run/web/key')], [0o600, 0o600])
})

test('as JSON the key is beside the token', async () => {
  const { out } = await runWith(`wit mint -spiffeID=${WEB} -format=json`, { script })
  const { svid, private_key: key } = JSON.parse(out)
  assert.deepEqual([svid, JSON.parse(key).kty], ['a.b.c', 'EC'])
})

test('a role gives one for the token in use', async () => {
  const { code, sent } = await runWith('wit exchange -role=people', { script: { 'POST spiffe/exchange/wit': { data: { svid: 'a.b.c' } } } })
  assert.equal(code, 0)
  const { role, jwk } = JSON.parse(sent[0]?.slice('POST spiffe/exchange/wit '.length) ?? '')
  assert.deepEqual([role, jwk.alg, 'd' in jwk], ['people', 'ES256', false])
})
