// What may be used so many times, asked for by many at once of a real server with several worker processes over one database.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, folder, productionServer } from '../support/server.ts'
import { initialise, unseal } from './load.ts'

const AT_ONCE = 64

test('of 64 at once over three worker processes, exactly as many succeed as may', async (t) => {
  const { address } = await productionServer(t, { at: folder(t), workers: 3 })
  const keys = await initialise(address)
  await unseal(address, keys)
  const policy = 'path "auth/token/lookup-self" { capabilities = ["read"] }'
  await ask(address, 'PUT', 'sys/policies/acl/self', { policy }, keys.token)
  const race = async (method: string, path: string, data: unknown, token: string) =>
    (await Promise.all(Array.from({ length: AT_ONCE }, () => ask(address, method, path, data, token)))).map(({ status }) => status)
  const successes = (statuses: readonly number[]) => statuses.filter((status) => status === 200).length

  for (const uses of [1, 2, 17, 63]) {
    const made = await ask(address, 'POST', 'auth/token/create', { policies: ['self'], num_uses: uses }, keys.token)
    const statuses = await race('GET', 'auth/token/lookup-self', undefined, made.body.auth.client_token)
    assert.equal(successes(statuses), uses)
    assert.ok(statuses.every((status) => status === 200 || status === 403))
  }

  const wrap = async () =>
    (await ask(address, 'POST', 'sys/wrapping/wrap', { secret: 'x' }, keys.token, { 'X-Vault-Wrap-TTL': '60s' })).body.wrap_info.token
  for (let round = 0; round < 5; round++) {
    const [inBody, asCaller] = [await wrap(), await wrap()]
    const statuses = await Promise.all([
      race('POST', 'sys/wrapping/unwrap', { token: inBody }, keys.token),
      race('POST', 'sys/wrapping/unwrap', undefined, asCaller),
    ])
    assert.deepEqual(statuses.map(successes), [1, 1])
    assert.ok(statuses.flat().every((status) => status === 200 || status === 400))
  }
})
