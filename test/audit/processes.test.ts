// Several workers that write one log, as operators meet it: a worker killed, the file rotated, everything killed, and verified after.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { ask, folder, freePort, killed, type Production, productionServer, SIGNET } from '../support/server.ts'
import { openTaker, until } from './rig.ts'

const run = promisify(execFile)

interface Running extends Production {
  readonly token: string
  readonly key: string
}

async function ready(t: TestContext, at: string, port: number, config: string, printed?: (text: string) => void): Promise<Running> {
  const server = await productionServer(t, { at, port, config, ...(printed ? { printed } : {}) })
  const { body } = await ask(server.address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  const [token, key] = [body.root_token, body.keys_base64[0]]
  await ask(server.address, 'PUT', 'sys/unseal', { key }, '')
  assert.equal((await ask(server.address, 'POST', 'sys/mounts/kv', { type: 'kv', options: { version: '1' } }, token)).status, 204)
  return { ...server, token, key }
}

/** Requests that carry a number each; resolves to the numbers that were answered. */
async function requests({ address, token }: Running, from: number, count: number): Promise<number[]> {
  const numbers = Array.from({ length: count }, (_, n) => from + n)
  // A connection that is handed to a worker as that is killed is never answered.
  const signal = AbortSignal.timeout(5_000)
  const one = (n: number) =>
    fetch(`${address}/v1/kv/n${n}`, { method: 'POST', headers: { 'X-Vault-Token': token }, body: JSON.stringify({ n }), signal })
  const answers = await Promise.allSettled(numbers.map(one))
  return numbers.filter((_, at) => {
    const answer = answers[at]
    return answer?.status === 'fulfilled' && answer.value.status === 204
  })
}

const workersOf = (pid: number) => readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)

test('a log of several workers holds over kills, rotation and a restart, and has every request that was answered', async (t) => {
  const at = folder(t)
  const port = await freePort()
  const [log, old, anchor] = ['audit.log', 'audit.log.1', 'anchor.json'].map((name) => join(at, name)) as [string, string, string]
  const config = `audit "file" "main" { options { file_path = "${log}" } }\n`
  const first = await ready(t, at, port, config)
  const pid = first.process.pid as number
  const answered = await requests(first, 0, 100)
  const [victim] = workersOf(pid)
  process.kill(victim as number, 'SIGKILL')
  answered.push(...(await requests(first, 100, 100)))
  await until('another worker takes its place', () => workersOf(pid).length === 2 && !workersOf(pid).includes(victim as number))
  renameSync(log, old)
  first.process.kill('SIGHUP')
  answered.push(...(await requests(first, 200, 100)))
  await killed(first.process)
  const second = { ...first, ...(await productionServer(t, { at, port, config })) }
  await ask(second.address, 'PUT', 'sys/unseal', { key: first.key }, '')
  answered.push(...(await requests(second, 300, 50)))
  const read = () => ask(second.address, 'GET', 'sys/audit-chain/main', undefined, second.token)
  writeFileSync(anchor, JSON.stringify((await read()).body))
  const exit = new Promise((resolve) => second.process.once('exit', resolve))
  second.process.kill('SIGTERM')
  assert.equal(await exit, 0)
  const files = [old, log]
  const { stdout } = await run(SIGNET, ['audit', 'verify', '-format=json', '-complete', `-key=${anchor}`, ...files])
  const report = JSON.parse(stdout)
  assert.deepEqual(report.findings, [])
  assert.ok(report.chains.length >= 3 && report.chains.some(({ ended }: { ended: boolean }) => ended), stdout)
  const text = files.map((file) => readFileSync(file, 'utf8')).join('')
  assert.ok(answered.length >= 250)
  for (const n of answered) {
    const records = text.split('\n').filter((line) => line.includes(`"path":"kv/n${n}"`))
    assert.ok(records.some((line) => line.includes('"type":"request"')) && records.some((line) => line.includes('"type":"response"')), `${n}`)
  }
  writeFileSync(log, text.slice(0, -10))
  await assert.rejects(run(SIGNET, ['audit', 'verify', `-key=${anchor}`, ...files]), (error: { code: number }) => error.code === 2)
})

test('a remote sink that is down gets all of it later, over a restart of everything', async (t) => {
  const at = folder(t)
  const [port, sinkPort] = [await freePort(), await freePort()]
  const config = `audit "socket" "siem" { options { address = "127.0.0.1:${sinkPort}" } }\n`
  const first = await ready(t, at, port, config)
  const answered = await requests(first, 0, 60)
  assert.equal(answered.length, 60)
  const { body } = await ask(first.address, 'GET', 'sys/health', undefined, '')
  assert.equal(body.audit.failing, 0)
  await killed(first.process)
  const second = { ...first, ...(await productionServer(t, { at, port, config })) }
  await ask(second.address, 'PUT', 'sys/unseal', { key: first.key }, '')
  const taker = await openTaker(t, { port: sinkPort, host: '127.0.0.1' })
  answered.push(...(await requests(second, 60, 10)))
  const heard = () => new Set(taker.lines.flatMap((line) => /"type":"response".*"path":"kv\/n(\d+)"/.exec(line)?.[1] ?? []).map(Number))
  await until('every answered request is heard of', () => answered.every((n) => heard().has(n)))
})

test('standard output has whole lines of all workers', async (t) => {
  const at = folder(t)
  let text = ''
  const config = 'audit "file" "out" { options { file_path = "stdout" } }\n'
  const server = await ready(t, at, await freePort(), config, (more) => {
    text += more
  })
  assert.equal((await requests(server, 0, 100)).length, 100)
  const anchor = join(at, 'anchor.json')
  writeFileSync(anchor, JSON.stringify((await ask(server.address, 'GET', 'sys/audit-chain/out', undefined, server.token)).body))
  const exit = new Promise((resolve) => server.process.once('close', resolve))
  server.process.kill('SIGTERM')
  await exit
  const log = join(at, 'printed')
  writeFileSync(log, text)
  const { stdout } = await run(SIGNET, ['audit', 'verify', '-format=json', '-complete', `-key=${anchor}`, log])
  const { findings, chains } = JSON.parse(stdout)
  assert.deepEqual([findings, chains.length], [[], 2])
})
