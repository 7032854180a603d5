// `signet namespace …`: what is asked, what is printed, how it exits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../../testing/cli-ports.ts'

const team = { custom_metadata: { a: 'b' }, id: 'a1B2c3', locked: false, path: 'team/', tainted: false, uuid: 'u' }

for (const [line, expected] of [
  ['namespace create team', 'POST sys/namespaces/team {"custom_metadata":{}}'],
  ['namespace create -custom-metadata=a=b -custom-metadata=c=d /team/', 'POST sys/namespaces/team {"custom_metadata":{"a":"b","c":"d"}}'],
  ['namespace list', 'GET sys/namespaces?list=true'],
  ['namespace scan', 'GET sys/namespaces?scan=true'],
  ['namespace lookup team/', 'GET sys/namespaces/team'],
  ['namespace patch -custom-metadata=a=b -remove-custom-metadata=c team', 'PATCH sys/namespaces/team {"custom_metadata":{"a":"b","c":null}}'],
  ['namespace delete team/', 'DELETE sys/namespaces/team'],
  ['namespace lock', 'PUT sys/namespaces/api-lock/lock'],
  ['namespace lock team/app/', 'PUT sys/namespaces/api-lock/lock/team/app'],
  ['namespace unlock', 'PUT sys/namespaces/api-lock/unlock {"unlock_key":""}'],
  ['namespace unlock -unlock-key=k team', 'PUT sys/namespaces/api-lock/unlock/team {"unlock_key":"k"}'],
] as const) {
  test(`asks: ${line}`, async () => assert.equal((await runWith(line)).sent.at(-1), expected))
}

test('a namespace is printed as a table, as JSON, or as one field of it', async () => {
  const script = { 'GET sys/namespaces/team': { data: team } }
  const rows = ['custom_metadata    map[a:b]', 'id                 a1B2c3', 'locked             false', 'path               team/']
  assert.ok((await runWith('namespace lookup team', { script })).out.includes(rows.join('\n')))
  assert.deepEqual(JSON.parse((await runWith('namespace lookup -format=json team', { script })).out), team)
  assert.equal((await runWith('namespace lookup -field=id team', { script })).out, 'a1B2c3')
})

test('names are listed; with -detailed all that is known', async () => {
  const script = { 'GET sys/namespaces?list=true': { data: { keys: ['team/'], key_info: { 'team/': team } } } }
  assert.equal((await runWith('namespace list', { script })).out, 'Keys\n----\nteam/\n')
  assert.match((await runWith('namespace list -detailed', { script })).out, /^Keys +custom_metadata +id +locked +path +tainted +uuid\n/)
  assert.deepEqual(JSON.parse((await runWith('namespace list -format=json', { script })).out), ['team/'])
  assert.deepEqual(JSON.parse((await runWith('namespace list -format=json -detailed', { script })).out), { 'team/': team })
})

test('what is not there exits with 2, but for a delete', async () => {
  for (const [line, code, err] of [
    ['namespace list', 2, 'No namespaces found\n'],
    ['namespace lookup team', 2, 'Namespace not found\n'],
  ] as const) {
    const ran = await runWith(line)
    assert.deepEqual([ran.code, ran.err], [code, err])
  }
  const script = { 'DELETE sys/namespaces/team': { data: null, warnings: ['requested namespace does not exist'] } }
  const gone = await runWith('namespace delete team', { script })
  assert.deepEqual([gone.code, gone.err], [0, 'Requested namespace does not exist\n'])
})

test('deleting, locking and unlocking say what they did', async () => {
  const script = {
    'DELETE sys/namespaces/team': { data: { status: 'in-progress' } },
    'PUT sys/namespaces/api-lock/lock/team': { data: { unlock_key: 'k' } },
    'PUT sys/namespaces/api-lock/unlock/team': 204,
  }
  assert.equal((await runWith('namespace delete team', { script })).out, 'Success! Namespace deletion scheduled: team/\n')
  assert.match((await runWith('namespace lock team', { script })).out, /^Unlock Key: k\n\nNamespace is now locked\./)
  assert.deepEqual(JSON.parse((await runWith('namespace lock -format=json team', { script })).out), { unlock_key: 'k' })
  assert.equal((await runWith('namespace unlock -unlock-key=k team', { script })).out, 'Namespace unlocked successfully!\n')
})

test('an unlock key can come from standard input, where no process list shows it', async () => {
  const { sent } = await runWith('namespace unlock -unlock-key=- team', { stdin: 'k\n' })
  assert.equal(sent[0], 'PUT sys/namespaces/api-lock/unlock/team {"unlock_key":"k"}')
})

test('a patch of nothing is refused before anything is asked', async () => {
  const { code, err, requests } = await runWith('namespace patch team')
  assert.deepEqual([code, err, requests.length], [1, 'Must supply at least one of -custom-metadata or -remove-custom-metadata\n', 0])
})

test('the namespace to work in comes from a flag or the environment', async () => {
  const header = async (line: string, env = {}) => (await runWith(line, { env })).requests.at(-1)?.headers['X-Vault-Namespace']
  assert.equal(await header('namespace list -namespace=team'), 'team/')
  assert.equal(await header('namespace list -ns=team/app/ -namespace=other'), 'team/app/')
  assert.equal(await header('namespace list', { VAULT_NAMESPACE: 'team' }), 'team/')
  assert.equal(await header('namespace list', { SIGNET_NAMESPACE: 'team' }), 'team/')
  assert.equal(await header('namespace list'), undefined)
})
