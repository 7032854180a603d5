import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { fromPem } from '../crypto/certificate.ts'
import { type BrokerNode, openBrokerNode } from '../testing/broker-node.ts'
import { runWith } from '../testing/cli-ports.ts'
import { until } from '../testing/until.ts'

const POD = { namespace: 'shop', name: 'web-1', uid: '0f47cb8b-4bbd-4c2b-8f1c-0a8a2a0e6b7d' }

describe('a broker on the command line', () => {
  let here: BrokerNode
  let pid: number
  let env: Record<string, string>
  before(async () => {
    here = await openBrokerNode()
    await here.another(process.pid, '/broker')
    pid = (await here.workload('/web', { hint: 'main' })).pid
    here.pods.push(POD)
    here.api.put('deployments.apps', { namespace: 'shop', name: 'web', uid: POD.uid })
    const { parts } = here.node
    env = { SPIFFE_ENDPOINT_SOCKET: `unix://${parts.socket.path}`, SPIFFE_BROKER_SOCKET: `unix://${parts.broker?.socket?.path}` }
  })
  after(() => here.close())

  const run = (line: string, more: object = {}) => runWith(line, { env, ...more })

  test('fetches and writes the X509-SVIDs of a process', async () => {
    const { code, out, files, modes } = await run(`agent broker fetch x509 -pid=${pid} -write=/certs`)
    assert.equal(code, 0)
    assert.match(out, /Received 1 svid\n\nSPIFFE ID:\t\tspiffe:\/\/example.org\/web\nHint:\t\t\tmain\n/)
    assert.equal(fromPem(files.get('/certs/svid.0.pem') ?? '').length, 1)
    assert.equal(modes.get('/certs/svid.0.key'), 0o600)
  })

  test('fetches JWT-SVIDs', async () => {
    const { out } = await run(`agent broker fetch jwt -pid=${pid} -audience=db`)
    assert.match(out, /^token\(spiffe:\/\/example\.org\/web\):\n\t\S+\n$/)
    assert.match((await run(`agent broker fetch jwt -pid=${pid}`)).err, /the agent says: audience must be specified/)
  })

  test('refers to pods and other objects, by local socket or TCP', async () => {
    const { domain, running } = here.node
    await domain.entry('spiffe://example.org/node', '/pod', 'k8s:ns:shop')
    await domain.entry('spiffe://example.org/node', '/deployment', 'k8s:key:shop/web')
    await here.looking('they are known', () => running.agent.matching(new Set(['k8s:ns:shop', 'k8s:key:shop/web'])).length === 2)
    const id = async (line: string) => /spiffe:\S+/.exec((await run(`agent broker fetch x509 ${line}`)).out)?.[0]
    assert.equal(await id('-name=shop/web-1'), 'spiffe://example.org/pod')
    assert.equal(await id(`-uid=${POD.uid} -broker-socket=tcp://127.0.0.1:${running.brokerPort}`), 'spiffe://example.org/pod')
    assert.equal(await id('-object=deployments.apps -name=shop/web'), 'spiffe://example.org/deployment')
  })

  test('watches until the workload ends, and leaves nothing of it', async () => {
    const short = await here.workload('/short')
    const written = new Set<string>()
    const watching = run(`agent broker watch -pid=${short.pid} -write=/certs`, { written: (path: string) => written.add(path) })
    await until('it is written', () => written.has('/certs/bundle.0.pem'))
    await short.end()
    let over = false
    void watching.then(() => (over = true))
    await here.looking('it is told', () => over)
    const { code, out, err, files } = await watching
    assert.match(out, /Received 1 svid/)
    assert.deepEqual([code, err, [...files.keys()]], [2, 'the agent says: there is no such process\n', []])
  })

  test('says why it gets nothing, with what would help', async () => {
    const nobody = await run('agent broker fetch x509 -pid=1')
    assert.deepEqual([nobody.code, nobody.out], [2, ''])
    assert.match(nobody.err, /^the agent says: no identity issued\nhint: an entry whose selectors describe the workload/)
    const remote = await run(`agent broker fetch x509 -pid=${pid} -broker-socket=tcp://localhost:${here.node.running.brokerPort}`)
    assert.match(remote.err, /not allowed to use references of kind "pid" over TCP\nhint: broker "spiffe:\/\/…"/)
    const absent = await run(`agent broker fetch x509 -pid=${pid} -broker-socket=unix:///none`)
    assert.match(absent.err, /no agent serves brokers at unix:\/\/\/none\nhint: broker_api/)
  })

  test('wants to know whom it means', async () => {
    const wrong: Readonly<Record<string, RegExp>> = {
      '': /give either -pid, or -name or -uid of an object/,
      '-pid=1 -uid=a': /give either/,
      '-pid=0': /-pid=0 is no number of a process/,
      '-object=pods.core': /-object needs -name or -uid/,
      '-object=pods -name=a/b': /-object=pods is not plural\.group/,
    }
    for (const [flags, problem] of Object.entries(wrong)) {
      const { code, err } = await run(`agent broker fetch x509 ${flags}`.trim())
      assert.equal(code, 1)
      assert.match(err, problem)
    }
  })
})
