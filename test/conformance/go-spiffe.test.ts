// go-spiffe, unchanged, against an agent that is attested to a server: all of it as it is run in production.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { ask, folder } from '../support/server.ts'
import { nodeOf, trustDomainServer } from '../support/agent.ts'
import { goProgram } from '../support/tools.ts'

test('a Go workload gets its identities, proves them, and hears of new ones', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-spiffe'), 'go-spiffe-check')
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const { socket, entry } = await nodeOf(t, server, folder(t))
  await entry('/me', { hint: 'main' })
  const child = spawn(program.path, [], { env: { ...process.env, SPIFFE_ENDPOINT_SOCKET: `unix://${socket}` }, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text) => said.push(text))
  for await (const line of createInterface(child.stdout)) {
    said.push(`${line}\n`)
    if (line === 'watching') await entry('/second', {})
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
  assert.equal(code, 0, said.join(''))
  assert.equal((await ask(server.address, 'LIST', 'spiffe/agents', undefined, server.token)).body.data.keys.length, 1)
})
