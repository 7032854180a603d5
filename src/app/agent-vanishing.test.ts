// Workloads that go in the middle of a call: nothing of them stays, and nobody else notices.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { after, before, beforeEach, describe, test, type TestContext } from 'node:test'
import * as wire from '../agent/workload/messages.ts'
import { ME, openServedNode, type ServedNode } from '../testing/served-node.ts'
import { until } from '../testing/until.ts'

const HEADERS = { metadata: { [wire.HEADER]: 'true' } }
const at = (method: string) => `/${wire.SERVICE}/${method}`

/** A workload in a process of its own: asks for what it is told to, and says when something came. */
const WORKLOAD = `
import grpc from '@grpc/grpc-js'
const [socket, method] = process.argv.slice(1)
const client = new grpc.Client('unix:' + socket, grpc.credentials.createInsecure())
const metadata = new grpc.Metadata()
metadata.set('workload.spiffe.io', 'true')
const request = method === 'FetchJWTSVID' ? Buffer.from([10, 2, 100, 98]) : Buffer.alloc(0)
const call = client.makeServerStreamRequest('/SpiffeWorkloadAPI/' + method, () => request, (bytes) => bytes, {}, metadata)
call.on('data', () => console.log('got')).on('error', (error) => console.log(error.message))`

describe('workloads that vanish', () => {
  /** What an attestation waits for. */
  let gate: Promise<unknown> = Promise.resolve()
  let attesting = 0
  let node: ServedNode
  before(async () => {
    const slow = {
      type: 'unix',
      async attest() {
        attesting++
        await gate
        return [ME.slice('unix:'.length)]
      },
    }
    node = await openServedNode({ workloadAttestors: [slow], telemetryAddress: '127.0.0.1:0' })
  })
  after(() => node.close())
  beforeEach(() => {
    gate = Promise.resolve()
    attesting = 0
  })

  async function metric(name: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${node.running.telemetryPort}/metrics`)).text()
    const lines = text.split('\n').filter((one) => one.startsWith(name))
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0)
  }
  const gone = () =>
    until('nothing of it is left', async () => (await metric('signet_agent_in_flight')) + (await metric('signet_agent_connections')) === 0)

  function workload(t: TestContext, method: string) {
    const args = ['--input-type=module', '-e', WORKLOAD, node.parts.socket.path, method]
    const child = spawn(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    return child
  }

  test('killed while its stream is open: its connection goes', async (t) => {
    await node.begin('/me')
    const child = workload(t, 'FetchX509SVID')
    assert.equal(String(((await once(child.stdout, 'data')) as [Buffer])[0]), 'got\n')
    assert.equal(await metric('signet_agent_in_flight{service="SpiffeWorkloadAPI",method="FetchX509SVID"}'), 1)
    child.kill('SIGKILL')
    await gone()
    assert.equal(await metric('signet_agent_request{service="SpiffeWorkloadAPI",method="FetchX509SVID",code="CANCELLED"}'), 1)
  })

  for (const method of ['FetchX509SVID', 'FetchX509Bundles', 'FetchJWTSVID', 'FetchJWTBundles']) {
    test(`killed before it was found out who it is: ${method}`, async (t) => {
      await node.begin('/me')
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      attesting = 0
      const child = workload(t, method)
      await until('it is being attested', () => attesting === 1)
      child.kill('SIGKILL')
      await once(child, 'exit')
      resolve()
      await gone()
    })
  }

  test('others are served meanwhile', async () => {
    await node.begin('/me')
    const { promise, resolve } = Promise.withResolvers<void>()
    gate = promise
    const hanging = node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] }, HEADERS)
    await until('it is being attested', () => attesting === 1)
    gate = Promise.resolve()
    const { svids } = await node.client.ask(at('FetchJWTSVID'), wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db'] }, HEADERS)
    assert.equal(svids.length, 1)
    resolve()
    assert.equal((await hanging).svids.length, 1)
  })
})
