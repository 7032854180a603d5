// go-spiffe, unchanged, against an agent that is attested to a server: all of it as it is run in production.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ask, folder } from '../support/server.ts'
import { nodeOf, trustDomainServer } from '../support/agent.ts'
import { goProgram, runHearing } from '../support/tools.ts'

test('a Go workload gets its identities, proves them, and hears of new ones', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-spiffe'), 'go-spiffe-check')
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const { socket, entry } = await nodeOf(t, server, folder(t))
  await entry('/me', { hint: 'main' })
  const document = join(folder(t), 'bundle.json')
  const how = { env: { SPIFFE_ENDPOINT_SOCKET: `unix://${socket}`, BUNDLE: document }, signal: t.signal }
  await runHearing(program.path, [], how, async (line) => {
    if (line === 'wit') {
      await ask(server.address, 'POST', 'spiffe/config', { wit_svids: true }, server.token)
      writeFileSync(document, JSON.stringify((await ask(server.address, 'GET', 'spiffe/bundle', undefined, server.token)).body))
    }
    if (line === 'watching') await entry('/second', {})
  })
  assert.equal((await ask(server.address, 'LIST', 'spiffe/agents', undefined, server.token)).body.data.keys.length, 1)
})
