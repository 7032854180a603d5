// Real servers that open by themselves: started again, and taken from shares to a seal and back.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FakeTransit, fakeTransit } from '../../src/testing/fake-transit.ts'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { initialise, until, workersOf } from './load.ts'

const status = async (address: string) => (await ask(address, 'GET', 'sys/seal-status', undefined, '')).body

test('a server with a static seal is open after each start, and nobody sees the key in its arguments', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const [first, second] = [randomBytes(32), randomBytes(32)]
  writeFileSync(join(at, 'one.key'), first)
  const stanza = (more: string) => `seal "static" {\n${more}\n}\n`
  const one = `current_key_id = "one"\ncurrent_key = "file://${at}/one.key"`
  let server = await productionServer(t, { at, port, config: stanza(one) })
  const request = { recovery_shares: 1, recovery_threshold: 1 }
  const { root_token: token } = (await ask(server.address, 'PUT', 'sys/init', request, '')).body
  assert.equal((await ask(server.address, 'POST', 'sys/mounts/kv', { type: 'kv' }, token)).status, 204)
  assert.equal((await ask(server.address, 'PUT', 'kv/a', { v: 1 }, token)).status, 204)

  const hex = second.toString('hex')
  const two = `current_key_id = "two"\ncurrent_key = "${hex}"\nprevious_key_id = "one"\nprevious_key = "file://${at}/one.key"`
  for (const more of [stanza(two), stanza(`current_key_id = "two"\ncurrent_key = "${hex}"`)]) {
    await killed(server.process)
    server = await productionServer(t, { at, port, config: more })
    await until('it is open', async () => !(await status(server.address)).sealed)
    assert.equal((await ask(server.address, 'GET', 'kv/a', undefined, token)).body.data.v, 1)
    for (const pid of workersOf(server.process.pid as number)) {
      assert.ok(!readFileSync(`/proc/${pid}/cmdline`).includes(hex))
      assert.ok(!readFileSync(`/proc/${pid}/environ`).includes(hex))
    }
    await until(
      'the root key is wrapped by the new key',
      async () => (await ask(server.address, 'GET', 'sys/seal-backend-status', undefined, '')).body.fully_wrapped,
    )
    const { body } = await ask(server.address, 'GET', 'sys/metrics?format=prometheus', undefined, token)
    assert.match(body, /^vault_seal_healthy\{seal="static",type="static"\} 1$/m)
  }
})

test('from shares to a seal and back, with the same shares', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const stanza = (more = '') => `seal "static" {\ncurrent_key_id = "one"\ncurrent_key = "${'ab'.repeat(32)}"\n${more}}\n`
  let server = await productionServer(t, { at, port })
  const { shares, token } = await initialise(server.address)
  const restart = async (more?: string) => {
    await killed(server.process)
    server = await productionServer(t, { at, port, ...(more === undefined ? {} : { config: more }) })
  }
  const migrate = async () => {
    for (const key of shares.slice(0, 2)) await ask(server.address, 'PUT', 'sys/unseal', { key, migrate: true }, '')
    return status(server.address)
  }
  await restart(stanza())
  assert.equal((await status(server.address)).migration, true)
  const auto = await migrate()
  assert.deepEqual([auto.sealed, auto.type, auto.recovery_seal], [false, 'static', true])
  await restart(stanza())
  await until('it is open', async () => !(await status(server.address)).sealed)
  assert.equal((await ask(server.address, 'GET', 'sys/mounts', undefined, token)).status, 200)
  await restart(stanza('disabled = "true"\n'))
  const shamir = await migrate()
  assert.deepEqual([shamir.sealed, shamir.type], [false, 'shamir'])
  await restart()
  for (const key of shares.slice(1)) await ask(server.address, 'PUT', 'sys/unseal', { key }, '')
  assert.equal((await ask(server.address, 'GET', 'sys/mounts', undefined, token)).status, 200)
})

test('a server with a transit seal waits for the other server, and stays open without it', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const transit = fakeTransit()
  const other = await servedTransit(t, transit)
  const more = `seal "transit" {\naddress = "${other.address}"\ntoken = "${transit.token}"\nkey_name = "signet"\nmount_path = "transit/"\n}\n`
  let server = await productionServer(t, { at, port, config: more })
  const { root_token: token } = (await ask(server.address, 'PUT', 'sys/init', {}, '')).body
  await killed(server.process)
  other.away = true
  server = await productionServer(t, { at, port, config: more })
  assert.deepEqual([(await status(server.address)).sealed, (await status(server.address)).type], [true, 'transit'])
  other.away = false
  await until('it is open', async () => !(await status(server.address)).sealed)
  other.away = true
  assert.equal((await ask(server.address, 'GET', 'sys/mounts', undefined, token)).status, 200)
})

interface Served {
  readonly address: string
  /** While set, connections are cut. */
  away: boolean
}

async function servedTransit(t: TestContext, transit: FakeTransit): Promise<Served> {
  const served = { address: '', away: false }
  const http = createServer((request, response) => {
    if (served.away) return void request.socket.destroy()
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const headers = request.headers as Record<string, string | undefined>
      const { status: code, body } = transit.answer(request.method ?? '', (request.url ?? '').slice(4), headers, Buffer.concat(chunks).toString())
      response.writeHead(code).end(body)
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  t.after(() => http.close())
  served.address = `http://127.0.0.1:${(http.address() as { port: number }).port}`
  return served
}
