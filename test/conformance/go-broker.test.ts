// A broker in Go, by the published client of the Broker API, against an agent as it is run in production.
import { join } from 'node:path'
import { test } from 'node:test'
import { folder, freePort } from '../support/server.ts'
import { nodeOf, trustDomainServer } from '../support/agent.ts'
import { goProgram, runHearing } from '../support/tools.ts'

test('a Go broker gets what a process is entitled to, hears of more, and is told why it gets nothing', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-broker'), 'go-broker-check')
  if ('missing' in program) return t.skip(program.missing)
  const server = await trustDomainServer(t, folder(t))
  const path = join(folder(t), 'broker.sock')
  const address = `127.0.0.1:${await freePort()}`
  const brokers = `broker_api {
  socket_path  = "${path}"
  bind_address = "${address}"
  broker "spiffe://example.org/me" { references = ["pid", "kubernetes"] }
}`
  const { socket, entry } = await nodeOf(t, server, folder(t), brokers)
  await entry('/me', { hint: 'main' })
  const how = { env: { SPIFFE_ENDPOINT_SOCKET: `unix://${socket}` }, signal: t.signal }
  await runHearing(program.path, [`unix://${path}`, address], how, async (line) => {
    if (line === 'watching') await entry('/second', {})
  })
})
