// What operators change while several processes run: every one of them follows.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { WebSocket } from 'ws'
import { ask, folder, SIGNET } from '../support/server.ts'
import { ready, until } from './load.ts'

/** Asked so often over connections of their own that each worker answers some. */
async function everywhere(address: string, path: string, token: string): Promise<any[]> {
  const answers = await Promise.all(Array.from({ length: 16 }, () => ask(address, 'GET', path, undefined, token)))
  return answers.map(({ body }) => body.data)
}

test('levels set by the API or in the configuration reach every process; a wrong configuration changes nothing', async (t) => {
  const { address, process: child, config, keys } = await ready(t, folder(t))
  const levels = async () => new Set((await everywhere(address, 'sys/loggers', keys.token)).map(({ core, audit }) => `${core} ${audit}`))
  const become = async (expected: string) => {
    await until(`levels are ${expected}`, async () => {
      const found = await levels()
      return found.size === 1 && found.has(expected)
    })
  }
  assert.equal((await ask(address, 'POST', 'sys/loggers/audit', { level: 'debug' }, keys.token)).status, 204)
  assert.deepEqual(await levels(), new Set(['info debug']))
  const text = readFileSync(config, 'utf8')
  appendFileSync(config, 'log_level = "warn"\n')
  child.kill('SIGHUP')
  await become('warn warn')
  writeFileSync(config, `${text}log_levle = "trace"\n`)
  child.kill('SIGHUP')
  assert.equal((await ask(address, 'POST', 'sys/loggers/core', { level: 'error' }, keys.token)).status, 204)
  await become('error warn')
  const shown = await everywhere(address, 'sys/config/state/sanitized', keys.token)
  assert.deepEqual(new Set(shown.map(({ storage }) => storage.type)), new Set(['lmdb']))
})

test('headers that the configuration gained are sent by every process after SIGHUP', async (t) => {
  const { address, process: child, config } = await ready(t, folder(t))
  const sent = async () => {
    const answers = await Promise.all(Array.from({ length: 16 }, () => fetch(`${address}/v1/sys/health`)))
    return new Set(answers.map(({ headers }) => headers.get('x-site')))
  }
  assert.deepEqual(await sent(), new Set([null]))
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, text.replace(/^listener "tcp" \{$/m, '$&\n  custom_response_headers { default = { "X-Site" = ["a"] } }'))
  child.kill('SIGHUP')
  await until('the header is sent', async () => {
    const found = await sent()
    return found.size === 1 && found.has('a')
  })
})

test('requests in flight are those of all processes', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  const answers = await Promise.all(Array.from({ length: 8 }, () => ask(address, 'GET', 'sys/in-flight-req', undefined, keys.token)))
  for (const { status, body } of answers) {
    assert.equal(status, 200)
    assert.ok(Object.values<any>(body).some(({ request_path }) => request_path === '/v1/sys/in-flight-req'))
  }
})

test('a diagnosis of a running server, by its process and by its API', async (t) => {
  const { address, config, keys } = await ready(t, folder(t))
  const env = { ...process.env, VAULT_ADDR: address, VAULT_TOKEN: keys.token }
  const { code, stdout } = await new Promise<{ code: unknown; stdout: string }>((resolve) => {
    execFile(SIGNET, ['operator', 'diagnose', `-config=${config}`, '-format=json'], { env }, (error, out) =>
      resolve({ code: error?.code ?? 0, stdout: out }),
    )
  })
  assert.equal(code, 1) // it listens in the clear
  const findings: any[] = JSON.parse(stdout)
  const statusOf = (name: string) => findings.find(({ check }) => check === name)?.status
  assert.equal(statusOf('every listener speaks TLS'), 'fail')
  assert.equal(statusOf('storage and audit files are private'), 'ok')
  assert.equal(statusOf('no core dumps, no tracers'), 'ok')
  assert.equal(statusOf('memory for keys is locked'), 'ok')
  assert.equal(statusOf('two audit devices, one of them elsewhere'), 'fail')
  assert.equal(statusOf('no root token is left'), 'warn')
  assert.equal(statusOf('no rekey and no making of a root token lingers'), 'ok')
  assert.equal(statusOf('seals can open the server'), 'ok')
  assert.equal(statusOf('the clocks agree'), 'ok')
})

test('events of every process are heard, whichever one the listener came to', async (t) => {
  const { address, keys } = await ready(t, folder(t))
  const listeners = Array.from({ length: 4 }, () => {
    const client = new WebSocket(`${address.replace('http', 'ws')}/v1/sys/events/subscribe/kv-v2/data-write?json=true`, {
      headers: { 'X-Vault-Token': keys.token },
    })
    const heard = new Set<string>()
    client.on('message', (text) => heard.add(JSON.parse(String(text)).data.event.metadata.path))
    t.after(() => client.terminate())
    return { heard, open: once(client, 'open') }
  })
  await Promise.all(listeners.map(({ open }) => open))
  const wanted = Array.from({ length: 16 }, (_, n) => `kv/data/heard-${n}`)
  await Promise.all(wanted.map((path) => ask(address, 'POST', path, { data: {} }, keys.token)))
  for (const { heard } of listeners) await until('all events are heard', () => wanted.every((path) => heard.has(path)))
})
