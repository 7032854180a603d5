// What operators ask of a running server, and of a configuration.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Finding } from '../ports.ts'
import { runWith } from '../../testing/cli-ports.ts'

test('members as a table and for machines', async () => {
  const nodes = [{ hostname: 'one', api_address: '', cluster_address: '', active_node: true, last_echo: null, version: '1.21.0' }]
  const script = { 'GET sys/ha-status': { data: { nodes } } }
  assert.equal(
    (await runWith('operator members', { script })).out,
    'Host Name    API Address    Cluster Address    Active Node    Version    Upgrade Version    Last Echo\n' +
      '---------    -----------    ---------------    -----------    -------    ---------------    ---------\n' +
      'one          n/a            n/a                true           1.21.0     n/a                n/a\n',
  )
  assert.deepEqual(JSON.parse((await runWith('operator members -format=json', { script })).out), { Nodes: nodes })
})

test('stepping down', async () => {
  const { out, sent } = await runWith('operator step-down', { script: { 'PUT sys/step-down': 204 } })
  assert.deepEqual([out, sent], ['Success! Stepped down: http://server\n', ['PUT sys/step-down']])
})

test('the version history', async () => {
  const key_info = { '1.20.0': { timestamp_installed: '2026-01-02T03:04:05Z', build_date: '', previous_version: null } }
  const script = { 'GET sys/version-history?list=true': { data: { keys: ['1.20.0'], key_info } } }
  assert.equal(
    (await runWith('version-history', { script })).out,
    'Version    Installation Time       Build Date\n-------    -----------------       ----------\n1.20.0     2026-01-02T03:04:05Z    n/a\n',
  )
  assert.deepEqual(JSON.parse((await runWith('version-history -format=json', { script })).out).data, { keys: ['1.20.0'], key_info })
  assert.equal((await runWith('version-history')).code, 2)
})

test('what can be mounted, of all kinds or of one', async () => {
  const kv = { builtin: true, deprecation_status: 'supported', name: 'kv', type: 'secret', version: 'v1' }
  const userpass = { ...kv, name: 'userpass', type: 'auth' }
  const script = {
    'GET sys/plugins/catalog': { data: { auth: ['userpass'], secret: ['kv'], detailed: [userpass, kv] } },
    'GET sys/plugins/catalog/secret/kv': { data: { name: 'kv', builtin: true } },
  }
  assert.equal(
    (await runWith('plugin list', { script })).out,
    'Name        Type      Version\n----        ----      -------\nuserpass    auth      v1\nkv          secret    v1\n',
  )
  assert.equal(
    (await runWith('plugin list -detailed secret', { script })).out,
    'Name    Version    Deprecation Status\n----    -------    ------------------\nkv      v1         supported\n',
  )
  assert.deepEqual(JSON.parse((await runWith('plugin list -format=json secret', { script })).out), { details: [kv], secret: ['kv'] })
  assert.equal((await runWith('plugin info secret kv', { script })).out, 'Key        Value\n---        -----\nbuiltin    true\nname       kv\n')
  assert.equal((await runWith('plugin info -field=name secret kv', { script })).out, 'kv')
  assert.equal((await runWith('plugin info secret none', { script })).code, 2)
})

for (const command of ['config check', 'operator validate-config']) {
  test(`${command} prints what is in effect, and notes beside it`, async () => {
    const shown = await runWith(`${command} a.hcl b`)
    assert.deepEqual([shown.code, shown.out, shown.err], [0, 'files = ["a.hcl","b"]\n', 'a note\n'])
    assert.deepEqual(JSON.parse((await runWith(`${command} -format=json a.hcl`)).out), { files: ['a.hcl'] })
    assert.equal((await runWith(command)).code, 1)
  })
}

test('a diagnosis, with an exit code for the worst that was found', async () => {
  const ok = { check: 'one', status: 'ok', detail: 'fine' } as const
  const bad = { check: 'two', status: 'warn', detail: 'soon', hint: 'renew it' } as const
  const run = (...findings: Finding[]) => runWith('operator diagnose -config=a.hcl', { findings })
  const warned = await run(ok, bad)
  assert.deepEqual([warned.code, warned.out], [2, '[ ok ] one: fine\n[warn] two: soon\n         hint: renew it\n'])
  assert.equal((await run(ok)).code, 0)
  assert.equal((await run(ok, { ...bad, status: 'fail' })).code, 1)
  assert.equal((await runWith('operator diagnose')).err, 'Must specify at least one config path using -config\n')
})

test('events are printed as they come, until the server closes the stream', async () => {
  const heard = await runWith(['events', 'subscribe', '-namespaces=*', 'kv*'], { stream: ['{"id":"1"}', '{"id":"2"}'] })
  assert.deepEqual([heard.code, heard.out, heard.err], [2, '{"id":"1"}\n{"id":"2"}\n', 'The stream was closed: over\n'])
  assert.deepEqual(heard.sent, ['GET sys/events/subscribe/kv%2A?json=true&namespaces=*'])
  const shown = await runWith('events subscribe -output-curl-string x', { stream: ['never'] })
  assert.deepEqual([shown.code, shown.sent], [0, []])
  assert.match(shown.out, /^curl .*sys\/events\/subscribe\/x\?json=true'\n$/)
  assert.match((await runWith('events subscribe x', { script: { 'GET sys/events/subscribe/x?json=true': 403 } })).err, /Code: 403/)
})
