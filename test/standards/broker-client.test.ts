// What SPIFFE_Broker_API.md demands of brokers, statement by statement, of the one that the command line is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { runWith } from '../../src/testing/cli-ports.ts'
import { until } from '../../src/testing/until.ts'
import { gone, here, OWN } from './broker-rig.ts'

describe('SPIFFE_Broker_API.md: what it demands of brokers', () => {
  /** The command line, as a broker. */
  const run = (line: string, written?: (path: string) => void) => {
    const { parts } = here.node
    return runWith(`agent broker ${line}`, {
      ...(written ? { written } : {}),
      env: { SPIFFE_ENDPOINT_SOCKET: `unix://${parts.socket.path}`, SPIFFE_BROKER_SOCKET: `unix://${parts.broker?.socket?.path}` },
    })
  }

  test('§3.1.1: clients MUST provide a reference', async () => {
    assert.deepEqual(await run('fetch x509').then(({ code, err }) => [code, err]), [1, 'give either -pid, or -name or -uid of an object\n'])
  })

  test('§3.1.2: clients MUST ensure that local references are not sent to remote servers', async () => {
    const { code, err } = await run(`fetch x509 -pid=${process.pid} -broker-socket=tcp://agent.example.com:8443`)
    assert.equal(code, 1)
    assert.match(err, /-pid means a process of this machine/)
  })

  test('§4.5: clients MUST take default and empty values for what counts now', async () => {
    const { pid, entry } = await here.workload('/shrinking', { federates_with: 'other.org' })
    await here.looking('the foreign bundle is there', () => here.node.running.agent.trusts.all().length > 1)
    const { watching, has } = await writing(pid)
    await has('/certs/federated_bundle.0.0.pem')
    await here.node.domain.world.ok('write', `spiffe/entries/${entry}`, { federates_with: [] })
    await here.looking('it is known', () => here.entriesOf(pid).every(({ federatesWith }) => federatesWith.length === 0))
    await gone(pid, entry)
    const { out, files } = await watching
    assert.match(out, /Received 1 svid/)
    assert.deepEqual([...files.keys()], [])
  })

  test('§4.8: clients MUST handle cases where only the status code is available', async () => {
    const { code, err } = await run(`fetch x509 -pid=${process.pid} -broker-socket=tcp://127.0.0.1:${here.node.running.brokerPort}`)
    assert.equal(code, 2)
    assert.match(err, /^the agent says: .*over TCP\nhint: /)
  })

  test('§4.9: once the workload has stopped, the client MUST drop all data, removing it from file systems', async () => {
    const { pid, end } = await here.workload('/leaving')
    const { watching, has } = await writing(pid)
    await has('/certs/bundle.0.pem')
    await end()
    here.node.timers.fire(6_000)
    const { code, out, files } = await watching
    assert.match(out, /leaving/)
    assert.deepEqual([code, [...files.keys()]], [2, []])
  })

  test('§5.3: identities MUST be identified with their hint, as it was delivered', async () => {
    const { pid } = await here.workload('/inside', { hint: 'internal' })
    await here.another(pid, '/outside', { hint: 'external' })
    const { svids } = JSON.parse((await run(`fetch x509 -format=json -pid=${pid}`)).out)
    assert.deepEqual(Object.fromEntries(svids.map((one: { spiffe_id: string; hint: string }) => [one.hint, one.spiffe_id])), {
      internal: `${OWN}/inside`,
      external: `${OWN}/outside`,
    })
  })

  /** Watches a workload, and writes what it is given. */
  async function writing(pid: number) {
    const names = new Set<string>()
    const watching = run(`watch -pid=${pid} -write=/certs`, (path) => void names.add(path))
    return { watching, has: (path: string) => until(`${path} is written`, () => names.has(path)) }
  }
})
