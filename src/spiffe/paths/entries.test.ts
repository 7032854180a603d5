// spiffe/entries and spiffe/agents: searches, counts, batches.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../base/json.ts'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import { openTrustDomain } from '../../testing/trust-domain.ts'
import { parseSelector } from '../selectors.ts'

const NODE = 'spiffe://example.org/node'
const id = (name: string) => `spiffe://example.org/${name}`

const entry = (name: string, more: JsonObject = {}): JsonObject => ({
  id: name,
  spiffe_id: id(name),
  parent_id: NODE,
  selectors: ['unix:uid:1'],
  ...more,
})

describe('searches', () => {
  test('compare sets in four ways, and count what they find', async () => {
    const { ask } = await openTrustDomain()
    await ask('write', 'entries/batch', {
      create: [
        entry('a', { selectors: ['unix:uid:1'], federates_with: ['b.org'] }),
        entry('b', { selectors: ['unix:uid:1', 'unix:gid:2'], federates_with: ['b.org', 'c.org'] }),
        entry('c', { selectors: ['unix:uid:1', 'unix:gid:2', 'unix:gid:3'], downstream: true }),
        entry('d', { selectors: ['unix:uid:9'] }),
      ],
    })
    const selectors = ['unix:gid:2', 'unix:uid:1']
    for (const [filter, expected] of [
      [{ selectors }, ['b', 'c']],
      [{ selectors, selectors_match: 'exact' }, ['b']],
      [{ selectors, selectors_match: 'any' }, ['a', 'b', 'c']],
      [{ selectors, selectors_match: 'subset' }, ['a', 'b']],
      [{ federates_with: 'spiffe://b.org' }, ['a', 'b']],
      [{ federates_with: 'b.org', federates_with_match: 'exact' }, ['a']],
      [{ federates_with: ['b.org', 'd.org'], federates_with_match: 'subset' }, ['a']],
      [{ downstream: true }, ['c']],
      [{ downstream: false }, ['a', 'b', 'd']],
      [{}, ['a', 'b', 'c', 'd']],
    ] as const) {
      assert.deepEqual((await ask('list', 'entries', filter as never)).keys, expected, JSON.stringify(filter))
      assert.equal((await ask('read', 'count/entries', filter as never)).data['count'], expected.length)
    }
    await assert.rejects(ask('list', 'entries', { selectors_match: 'most' }), /must be one of/)
    await assert.rejects(ask('list', 'entries', { selectors: 'uid' }), /must be formatted as type:value/)
  })

  test('of agents go by attestation, node and state', async () => {
    const { ask, rooms, clock } = await openTrustDomain()
    const hour = 3_600_000
    for (const [name, canReattest] of [
      ['one', true],
      ['two', false],
    ] as const) {
      const agent = { id: parseSpiffeId(id(`spire/agent/x/${name}`)), type: `t_${name}`, authority: 'a1', serial: '1', canReattest }
      await rooms.agents.attest({ ...agent, expiresAt: clock.now() + hour, selectors: [parseSelector(`k8s_psat:cluster:${name}`)] })
    }
    await rooms.agents.ban(parseSpiffeId(id('spire/agent/x/two')))
    for (const [filter, expected] of [
      [{}, 2],
      [{ attestation_type: 't_one' }, 1],
      [{ banned: true, can_reattest: false }, 1],
      [{ banned: true, can_reattest: true }, 0],
      [{ selectors: 'k8s_psat:cluster:one' }, 1],
      [{ expires_before: new Date(clock.now() + 1).toISOString() }, 1],
    ] as const) {
      assert.equal((await ask('read', 'count/agents', filter)).data['count'], expected, JSON.stringify(filter))
      assert.equal((await ask('list', 'agents', filter)).keys.length, expected)
    }
  })
})

describe('a batch', () => {
  test('does each of its steps or says why not', async () => {
    const { ask, store } = await openTrustDomain()
    await ask('write', 'entries/batch', { create: [entry('a'), entry('b'), entry('c')] })
    const { data } = await ask('write', 'entries/batch', {
      delete: ['c', 'none'],
      update: [{ id: 'a', hint: 'main', revision_number: 0 }, { id: 'a', hint: 'late', revision_number: 0 }, { hint: 'x' }, { id: 'b', hynt: '' }],
      create: [entry('c', { spiffe_id: id('c2') }), entry('e', { spiffe_id: id('a') }), entry('f', { selectors: ['nosuch:x'] }), entry('batch')],
    })
    const shown = (results: unknown) => (results as Record<string, unknown>[]).map(({ ok, error, existed }) => (ok ? (existed ?? true) : error))
    assert.deepEqual(shown(data['delete']), [true, 'no entry has the ID "none"'])
    assert.deepEqual(shown(data['update']), [true, 'the entry is at revision 1, and no longer at 0', 'missing id', 'unknown parameter "hynt"'])
    assert.deepEqual(shown(data['create']).slice(0, 2), [false, true])
    assert.match(String(shown(data['create'])[2]), /selector type "nosuch" is unknown/)
    assert.equal(shown(data['create'])[3], 'an entry cannot have the ID "batch"')
    assert.equal((await ask('read', 'entries/a')).data['hint'], 'main')
    assert.deepEqual((await ask('list', 'entries')).keys, ['a', 'b', 'c'])
    assert.equal((await ask('read', 'status')).data['entries'], 3)
    assert.equal([...store.keys({ prefix: 'entry-same/' })].length, 3)
  })

  test('of many takes few commits', async () => {
    const { ask, store } = await openTrustDomain()
    const before = store.revision
    await ask('write', 'entries/batch', { create: Array.from({ length: 95 }, (_, n) => entry(`e${n}`)) })
    assert.equal(store.revision - before, 10)
    assert.equal((await ask('read', 'count/entries')).data['count'], 95)
  })

  test('that is none is refused whole', async () => {
    const { ask } = await openTrustDomain()
    await assert.rejects(ask('write', 'entries/batch', { create: {} }), /create must be a list/)
    await assert.rejects(ask('write', 'entries/batch', { update: ['a'] }), /update must be a list of objects/)
    await assert.rejects(ask('write', 'entries/batch', { delete: Array.from({ length: 1001 }, (_, n) => `e${n}`) }), /at most 1000/)
    assert.deepEqual((await ask('write', 'entries/batch')).data, { delete: [], update: [], create: [] })
  })
})

describe('an explanation', () => {
  test('tells which entries describe a workload on a node, and what the nearest ones ask for besides', async () => {
    const { ask, rooms, clock } = await openTrustDomain()
    const agent = id('spire/agent/x/one')
    const attested = { id: parseSpiffeId(agent), type: 'x', authority: 'a1', serial: '1', canReattest: true, expiresAt: clock.now() + 1_000 }
    await rooms.agents.attest({ ...attested, selectors: [parseSelector('x509pop:subject:cn:web-1')] })
    const alias = { parent_id: id('spire/server'), spiffe_id: NODE, selectors: 'x509pop:subject:cn:web-1' }
    const create = [
      entry('alias', alias),
      entry('fits', { selectors: ['unix:uid:1', 'unix:gid:2'] }),
      entry('less', { selectors: ['unix:uid:1'] }),
      entry('more', { selectors: ['unix:uid:1', 'unix:gid:3', 'unix:path:/bin/web'] }),
      entry('other', { selectors: ['unix:uid:9'] }),
      entry('far', { parent_id: id('node-2'), selectors: ['unix:uid:1'] }),
    ]
    await ask('write', 'entries/batch', { create })
    const explain = async (question: JsonObject) => {
      const { data } = await ask('write', 'entries/explain', { selectors: ['unix:uid:1', 'unix:gid:2'], ...question })
      const { matches, near } = data as { matches: { id: string }[]; near: { entry: { id: string }; missing: unknown; elsewhere: boolean }[] }
      return [matches.map((one) => one.id), near.map((one) => [one.entry.id, one.missing, one.elsewhere])]
    }
    const lacks = [
      { selector: 'unix:gid:3', instead: ['unix:gid:2'] },
      { selector: 'unix:path:/bin/web', instead: [] },
    ]
    assert.deepEqual(await explain({}), [['far', 'fits', 'less'], [['more', lacks, false]]])
    const other = [{ selector: 'unix:uid:9', instead: ['unix:uid:1'] }]
    assert.deepEqual(await explain({ parent_id: agent }), [
      ['fits', 'less'],
      [
        ['far', [], true],
        ['other', other, false],
        ['more', lacks, false],
      ],
    ])
    assert.deepEqual((await explain({ parent_id: id('node-2') }))[0], ['far'])
    await assert.rejects(ask('write', 'entries/explain', { selectors: 'unix:user_id:1' }), /did you mean|has no "user_id"/)
  })
})
