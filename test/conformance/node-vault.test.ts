// node-vault, unchanged, against a server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import nodeVault from 'node-vault'
import { devServer } from '../support/server.ts'

test('node-vault stores, lists and reads secrets, and logs in', async (t) => {
  const endpoint = await devServer(t)
  const vault: any = nodeVault({ endpoint, token: 'root' })
  assert.equal((await vault.initialized()).initialized, true)
  assert.equal((await vault.status()).sealed, false)
  assert.equal((await vault.health()).initialized, true)
  await vault.write('secret/data/app', { data: { user: 'ann' } })
  assert.deepEqual((await vault.read('secret/data/app')).data.data, { user: 'ann' })
  assert.deepEqual((await vault.list('secret/metadata')).data.keys, ['app'])
  await vault.update('secret/data/app', { data: { port: 1 } })
  await vault.delete('secret/data/app')
  await assert.rejects(vault.read('secret/data/app'), /404/)
  await assert.rejects(vault.init({ secret_shares: 1, secret_threshold: 1 }), /Vault is already initialized/)
  await vault.mount({ mount_point: 'kv', type: 'kv' })
  assert.ok((await vault.mounts()).data['kv/'])
  await vault.unmount({ mount_point: 'kv' })
  await vault.addPolicy({ name: 'p', rules: 'path "secret/*" { capabilities = ["read"] }' })
  assert.deepEqual((await vault.policies()).policies.includes('p'), true)
  await vault.enableAuth({ mount_point: 'approle', type: 'approle' })
  await vault.addApproleRole({ role_name: 'web', policies: 'p' })
  const { data: role } = await vault.getApproleRoleId({ role_name: 'web' })
  const { data: secret } = await vault.getApproleRoleSecret({ role_name: 'web' })
  const { auth } = await vault.approleLogin({ role_id: role.role_id, secret_id: secret.secret_id })
  assert.deepEqual(auth.policies, ['default', 'p'])
  vault.token = 'root' // a login puts its own token there
  await vault.enableAuth({ mount_point: 'userpass', type: 'userpass' })
  await vault.write('auth/userpass/users/ann', { password: 'correct horse' })
  assert.equal((await nodeVault({ endpoint }).userpassLogin({ username: 'ann', password: 'correct horse' })).auth.metadata.username, 'ann')
  const { auth: child } = await vault.tokenCreate({ policies: ['p'], ttl: '1h' })
  vault.token = 'root'
  assert.equal((await vault.tokenLookup({ token: child.client_token })).data.ttl, 3600)
  await vault.tokenRevoke({ token: child.client_token })
})
