// An agent whose disk is full: what it serves goes on, and what it could not keep is kept later.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentOf, memoryDrawer, openTrustDomain } from '../testing/agent-domain.ts'
import { until } from '../testing/until.ts'

const NODE = 'spiffe://example.org/node'
const HAS = new Set(['unix:uid:7'])

test('entries, SVIDs and bundles are served and told of while nothing can be written, and kept once it can', async (t) => {
  const domain = await openTrustDomain()
  const drawer = memoryDrawer()
  let full = false
  const settings = await domain.settings()
  const write = (name: string, bytes: Buffer) => {
    if (full) throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', errno: -28, syscall: 'write' })
    drawer.write(name, bytes)
  }
  const { agent, looking } = agentOf(domain, settings, { ...drawer, write })
  t.after(async () => {
    await agent.stop()
    await domain.close()
  })
  await until('it is ready', () => agent.ready())
  const before = drawer.files.get('workloads')
  full = true
  let rung = 0
  agent.changes.listen(() => rung++)
  await domain.entry(NODE, '/seven', 'unix:uid:7')
  await looking('the new entry has its SVID', () => agent.matching(HAS).some((entry) => agent.x509.get(entry)))
  assert.ok(rung > 0, 'who listens heard of it')
  const authorities = () => agent.trusts.own()?.bundle.x509Authorities.length
  await domain.world.ok('write', 'spiffe/authorities/x509/prepare')
  await looking('the bundle is the new one', () => authorities() === 2)
  assert.equal(drawer.files.get('workloads'), before)
  const identity = agent.identity()
  domain.clock.advance(7 * 3_600_000) // more than half of its life
  await domain.entry(NODE, '/eight', 'unix:uid:8')
  await looking('it goes on as who it was', () => agent.matching(new Set(['unix:uid:8'])).some((entry) => agent.x509.get(entry)))
  assert.deepEqual([agent.identity()?.id, agent.identity()?.chain], [identity?.id, identity?.chain])
  full = false
  await looking('it is kept', () => drawer.files.get('workloads') !== before)
  domain.clock.advance(60_000)
  await looking('it has another identity', () => agent.identity()?.chain !== identity?.chain)
  const kept = agentOf(domain, { ...settings, addresses: ['127.0.0.1:1'] }, drawer)
  t.after(() => kept.agent.stop())
  assert.ok(kept.agent.matching(HAS).some((entry) => kept.agent.x509.get(entry)))
  await looking('and so is the bundle', () => {
    const again = agentOf(domain, { ...settings, addresses: ['127.0.0.1:1'] }, drawer)
    void again.agent.stop()
    return again.agent.trusts.own()?.bundle.x509Authorities.length === 2
  })
})
