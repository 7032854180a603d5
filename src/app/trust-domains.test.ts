import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newCsr } from '../crypto/csr.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { openWorld } from '../testing/world.ts'

/** Statuses of so many attestations by tokens that nobody made, from one address. */
async function statuses(attestationRate: number, count: number): Promise<number[]> {
  const world = await openWorld({ attestationRate })
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const csr = newCsr(newSigningKey('ec-p256')).toString('base64')
  const evidence = { attestor: 'join_token', payload: Buffer.from('made up').toString('base64'), csr }
  const found: number[] = []
  for (let n = 0; n < count; n++) found.push((await world.call('write', 'spiffe/agent/attest', evidence)).status)
  await world.close()
  return found
}

test('attestations from one address are taken at the rate that is configured', async () => {
  const found = await statuses(1, 12)
  assert.ok(!found.slice(0, 10).includes(429), String(found))
  assert.deepEqual(found.slice(10), [429, 429])
  assert.ok(!(await statuses(0, 120)).includes(429))
})
