import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { openTrustDomain, type TrustDomainBench } from '../testing/trust-domain.ts'
import type { News } from './agent-changes.ts'
import { PLAIN_ENTRY } from './entry.ts'

const agentId = (name: string) => parseSpiffeId(`spiffe://example.org/spire/agent/x509pop/${name}`)

interface Heard {
  entries: number
  bundles: number
  ended: boolean
  stop(): void
}

/** A trust domain with agents of these names, each selected by its name, and what each of them heard. */
async function open(...names: string[]) {
  const bench = await openTrustDomain()
  const { agents, changes } = bench.rooms
  for (const name of names) {
    const selectors = [{ type: 'x509pop', value: `subject:cn:${name}` }]
    await agents.attest({
      id: agentId(name),
      type: 'x509pop',
      authority: 'a1',
      serial: 'ab',
      canReattest: true,
      selectors,
      expiresAt: bench.clock.now() + 1e9,
    })
  }
  const heard = Object.fromEntries(names.map((name) => [name, listen(bench, name)])) as Record<string, Heard>
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
  }
  /** Who heard of entries since the last time it was asked. */
  const concerned = async () => {
    await settle()
    const found = names.filter((name) => (heard[name]?.entries ?? 0) > 0)
    for (const one of Object.values(heard)) one.entries = 0
    return found
  }
  return { ...bench, agents, changes, heard, concerned, settle }
}

function listen({ rooms }: TrustDomainBench, name: string): Heard {
  const heard: Heard = { entries: 0, bundles: 0, ended: false, stop: () => {} }
  const hear = ({ entries, bundles }: News) => {
    heard.entries += entries ? 1 : 0
    heard.bundles += bundles ? 1 : 0
  }
  heard.stop = rooms.changes.watch({
    agent: agentId(name),
    authority: 'a1',
    serial: name,
    hear,
    end() {
      heard.ended = true
    },
  })
  return heard
}

const entry = (id: string, parent: string, path = `/${id}`) => ({
  id,
  spiffe_id: `spiffe://example.org${path}`,
  parent_id: parent,
  selectors: 'unix:uid:1',
})

describe('agents hear', () => {
  test('of entries below them, made, changed and removed, and of no others', async () => {
    const { ask, concerned } = await open('a', 'b')
    await ask('write', 'entries', entry('web', agentId('a')))
    assert.deepEqual(await concerned(), ['a'])
    await ask('write', 'entries/web', { hint: 'x' })
    assert.deepEqual(await concerned(), ['a'])
    await ask('write', 'entries/web', { parent_id: agentId('b') })
    assert.deepEqual(await concerned(), ['a', 'b'])
    await ask('delete', 'entries/web')
    assert.deepEqual(await concerned(), ['b'])
    await ask('write', 'entries', entry('far', 'spiffe://example.org/nobody'))
    assert.deepEqual(await concerned(), [])
  })

  test('of entries below entries of theirs', async () => {
    const { ask, concerned } = await open('a', 'b')
    await ask('write', 'entries', entry('top', agentId('a'), '/top'))
    await ask('write', 'entries', entry('middle', 'spiffe://example.org/top', '/middle'))
    assert.deepEqual(await concerned(), ['a'])
    await ask('write', 'entries', entry('bottom', 'spiffe://example.org/middle'))
    assert.deepEqual(await concerned(), ['a'])
  })

  test('of aliases that describe them, and of entries below those', async () => {
    const { ask, concerned } = await open('a', 'b', 'c')
    const alias = { ...entry('alias', 'spiffe://example.org/spire/server', '/nodes/a'), selectors: 'x509pop:subject:cn:a' }
    await ask('write', 'entries', alias)
    assert.deepEqual(await concerned(), ['a'])
    await ask('write', 'entries', entry('web', 'spiffe://example.org/nodes/a'))
    assert.deepEqual(await concerned(), ['a'])
    await ask('write', 'entries/alias', { selectors: 'x509pop:subject:cn:b' })
    assert.deepEqual(await concerned(), ['a', 'b'])
    await ask('write', 'entries/web', { hint: 'x' })
    assert.deepEqual(await concerned(), ['b'])
  })

  test('of their own selectors, where other entries follow from them', async () => {
    const { ask, agents, clock, concerned } = await open('a', 'b')
    await ask('write', 'entries', { ...entry('alias', 'spiffe://example.org/spire/server', '/gpu'), selectors: 'x509pop:subject:cn:gpu' })
    const selectors = [{ type: 'x509pop', value: 'subject:cn:gpu' }]
    await concerned()
    await agents.attest({
      id: agentId('a'),
      type: 'x509pop',
      authority: 'a1',
      serial: 'cd',
      canReattest: true,
      selectors,
      expiresAt: clock.now() + 1e9,
    })
    assert.deepEqual(await concerned(), ['a'])
    await agents.report(agentId('a'), '1.0')
    assert.deepEqual(await concerned(), [])
  })

  test('of bundles: rotations, taint, foreign ones', async () => {
    const { ask, heard, settle } = await open('a', 'b')
    const first = ((await ask('read', 'authorities/x509')).data['authorities'] as { authority_id: string }[])[0]?.authority_id as string
    const next = (await ask('write', 'authorities/x509/prepare')).data['authority_id'] as string
    await ask('write', 'authorities/x509/activate', { authority_id: next })
    await ask('write', 'authorities/x509/taint', { authority_id: first })
    await ask('write', 'bundles/partner.test', { bundle: { keys: [] } })
    await settle()
    assert.deepEqual([heard['a']?.bundles, heard['b']?.bundles, heard['a']?.entries], [4, 4, 0])
    const { data } = await ask('read', 'agent/bundle')
    assert.deepEqual(
      (data['x509_authorities'] as { tainted: boolean }[]).map(({ tainted }) => tainted),
      [true, false],
    )
  })

  test('nothing more once they are banned, evicted, or gone', async () => {
    const { ask, heard, concerned, changes } = await open('a', 'b', 'c', 'd')
    await ask('write', 'agents/spire/agent/x509pop/a/ban')
    await ask('delete', 'agents/spire/agent/x509pop/b')
    heard['c']?.stop()
    await ask('write', 'entries', entry('web', agentId('c')))
    assert.deepEqual(await concerned(), [])
    assert.deepEqual([heard['a']?.ended, heard['b']?.ended, heard['c']?.ended, heard['d']?.ended], [true, true, false, false])
    changes.close()
    assert.equal(heard['d']?.ended, true)
  })

  test('only of what is theirs, among thousands', async () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `n${n}`)
    const { rooms, concerned } = await open(...names)
    const create = (n: number, id: string) =>
      rooms.entries.create({
        ...PLAIN_ENTRY,
        selectors: [{ type: 'unix', value: 'uid:1' }],
        namespace: '',
        id,
        spiffeId: parseSpiffeId(`spiffe://example.org/${id}`),
        parentId: agentId(`n${n}`),
      })
    for (let n = 0; n < 300; n++) await create(n % 3, `e${n}`)
    assert.deepEqual(await concerned(), ['n0', 'n1', 'n2'])
  })
})
