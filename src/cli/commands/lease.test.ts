import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const FOUND = { data: { id: 'db/creds/r/x', ttl: 570, last_renewal: null, renewable: true } }
const RENEWED = { lease_id: 'db/creds/r/x', lease_duration: 600, renewable: true, data: null }
const QUEUED = 'All revocation operations queued successfully!\n'

test('a lease is looked up and renewed', async () => {
  const found = await runWith('lease lookup db/creds/r/x', { script: { 'PUT sys/leases/lookup': FOUND } })
  assert.deepEqual(found.sent, ['PUT sys/leases/lookup {"lease_id":"db/creds/r/x"}'])
  assert.match(found.out, /^id +db\/creds\/r\/x\nlast_renewal +<nil>\nrenewable +true\nttl +9m30s\n$/m)
  const renewed = await runWith('lease renew -increment=10m db/creds/r/x', { script: { 'PUT sys/leases/renew': RENEWED } })
  assert.deepEqual(renewed.sent, ['PUT sys/leases/renew {"increment":600,"lease_id":"db/creds/r/x"}'])
  assert.match(renewed.out, /^lease_id +db\/creds\/r\/x\nlease_duration +10m\nlease_renewable +true\n$/m)
})

for (const [line, sent, out] of [
  ['lease revoke a/b', 'PUT sys/leases/revoke/a/b {"sync":false}', QUEUED],
  ['lease revoke -sync a/b', 'PUT sys/leases/revoke/a/b {"sync":true}', 'Success! Revoked lease: a/b\n'],
  ['lease revoke -prefix a', 'PUT sys/leases/revoke-prefix/a {"sync":false}', QUEUED],
  ['lease revoke -prefix -sync a', 'PUT sys/leases/revoke-prefix/a {"sync":true}', 'Success! Revoked any leases with prefix: a\n'],
  ['lease revoke -f -prefix a', 'PUT sys/leases/revoke-force/a', 'Success! Force revoked any leases with prefix: a\n'],
] as const) {
  test(`asks: ${line}`, async () => {
    const path = sent.split(' ').slice(0, 2).join(' ')
    const ran = await runWith(line, { script: { [path]: 202 } })
    assert.deepEqual([ran.code, ran.sent, ran.out], [0, [sent], out])
    assert.equal(ran.err.includes('out of sync'), line.includes('-f '))
  })
}

test('what goes wrong has an exit code and says so', async () => {
  const refused = { 'PUT sys/leases/lookup': [400, { errors: ['invalid lease'] }] } as const
  const looked = await runWith('lease lookup none', { script: refused })
  assert.equal(looked.code, 2)
  assert.match(looked.err, /^error looking up lease id none: Error making API request\./)
  for (const line of ['lease lookup', 'lease renew', 'lease revoke', 'lease revoke a b', 'lease revoke -force a']) {
    assert.equal((await runWith(line)).code, 1, line)
  }
  assert.match((await runWith('lease revoke -force a')).err, /^Specifying -force requires also specifying -prefix/)
})
