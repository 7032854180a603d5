// How a server with many namespaces starts: fills a throwaway one through the API, starts it again, and prints times and memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Client } from './client.ts'
import { parseNumber } from './options.ts'
import { putJson, say, sayMemory, start, stopped } from './own-server.ts'

const USAGE = `
node bench/tenants.ts [--namespaces 10000] [--mounts 5] [--port 18200] [--connections 32]

  --mounts   in each namespace, besides the three that it is made with
`

/** Memory must not grow with each. */
const ROUNDS = 3

interface Size {
  readonly namespaces: number
  readonly mounts: number
  readonly connections: number
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { namespaces: text, mounts: text, port: text, connections: text, help: { type: 'boolean' } } })
  if (values.help) return void process.stdout.write(USAGE)
  const size: Size = {
    namespaces: parseNumber('namespaces', values.namespaces ?? '10000', 1),
    mounts: parseNumber('mounts', values.mounts ?? '5', 1),
    connections: parseNumber('connections', values.connections ?? '32', 1),
  }
  const port = parseNumber('port', values.port ?? '18200', 1)
  const at = mkdtempSync(join(tmpdir(), 'signet-tenants-'))
  try {
    await measure(at, port, size)
  } finally {
    rmSync(at, { recursive: true, force: true })
  }
}

async function measure(at: string, port: number, size: Size): Promise<void> {
  const url = `http://127.0.0.1:${port}`
  let server = await start({ at, port })
  const anonymous = new Client({ name: 'signet', url: new URL(url), token: '', insecureTls: false })
  const made = (await putJson(`${url}/v1/sys/init`, { secret_shares: 1, secret_threshold: 1 })) as { keys: string[]; root_token: string }
  await anonymous.call('PUT', '/v1/sys/unseal', { key: made.keys[0] })
  const client = new Client({ name: 'signet', url: new URL(url), token: made.root_token, insecureTls: false })
  const filling = performance.now()
  await fill(client, size)
  say(`filled ${size.namespaces} namespaces with ${size.mounts} mounts and a secret each`, performance.now() - filling)
  sayMemory('memory after filling', server)
  await stopped(server)

  const starting = performance.now()
  server = await start({ at, port })
  say('from start to an answer, sealed', performance.now() - starting)
  const unsealing = performance.now()
  await anonymous.call('PUT', '/v1/sys/unseal', { key: made.keys[0] })
  await client.call('GET', `/v1/${secretOf(size.namespaces - 1)}`)
  say('from unsealing to the first secret of a namespace', performance.now() - unsealing)
  say('from start to that secret', performance.now() - starting)
  sayMemory('memory after starting', server)
  for (let round = 1; round <= ROUNDS; round++) {
    const visiting = performance.now()
    await client.each(size.namespaces, size.connections, (i) => ({ method: 'GET', path: `/v1/${secretOf(i)}` }))
    const took = performance.now() - visiting
    say(`read a secret of each namespace, ${(took / size.namespaces).toFixed(2)} ms each`, took)
    sayMemory(`memory after round ${round}`, server)
  }
  await stopped(server)
}

async function fill(client: Client, { namespaces, mounts, connections }: Size): Promise<void> {
  const each = (count: number, path: (i: number) => string, body: unknown) =>
    client.each(count, connections, (i) => ({ method: 'POST', path: `/v1/${path(i)}`, body }))
  await each(namespaces, (i) => `sys/namespaces/${nameOf(i)}`, {})
  for (let m = 0; m < mounts; m++) await each(namespaces, (i) => `${nameOf(i)}/sys/mounts/kv${m}`, { type: 'kv' })
  await each(namespaces, secretOf, { of: 'its namespace' })
}

const nameOf = (i: number) => `team-${String(i).padStart(6, '0')}`
const secretOf = (i: number) => `${nameOf(i)}/kv0/secret`

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
