import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { bool, or, text } from '../base/fields.ts'
import { type Attested, nodeAttestor } from '../contract/attestor.ts'
import type { Ctx } from '../contract/module.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import { testCsr } from '../testing/certificates.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { beginAttestation, continueAttestation, type Step } from './attest.ts'
import { openSpiffe } from './rooms.ts'
import { DEFAULTS } from './settings.ts'

/** Of a type whose selectors are declared. */
const TYPE = 'http_challenge'
const EVIDENCE = { attestor: TYPE, payload: Buffer.from('x'), csr: testCsr() }

/** A trust domain with an attestor that finds what it is told to, after so many rounds. */
async function open(found: Partial<Attested> = {}, rounds = 0, admits = true) {
  const store = memory({ timers: stillTimers })
  const clock = settableClock()
  const attestor = nodeAttestor({
    type: TYPE,
    doc: 'For tests.',
    settings: { name: text('Any.'), loud: or(bool('Any.'), false) },
    configure: ({ name }) => name,
    parse: (payload) => payload.toString(),
    async *verify(_, name, payload) {
      let said = payload
      for (let round = 0; round < rounds; round++) said += (yield Buffer.from(`${name} ${round}`)).toString()
      return { path: said, selectors: [], canReattest: true, ...found }
    },
  })
  const place = { store, ...follow(store) }
  const rooms = openSpiffe({ place, clock, random: { bytes: randomBytes }, attestors: [attestor], admitsAttestation: () => admits })
  await rooms.settings.set({ ...DEFAULTS, trustDomain: parseTrustDomain('example.org') })
  await rooms.authorities.rotate()
  await rooms.attestors.set(TYPE, { name: 'who' })
  const ctx = (stream?: object) =>
    ({ clock, random: { bytes: randomBytes }, request: { peer: { address: '192.0.2.1', port: 1 }, ...(stream ? { stream } : {}) } }) as unknown as Ctx
  return { rooms, ctx, clock }
}

const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
  assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

const challengeOf = (step: Step) => ('challenge' in step ? step.challenge.toString() : '')

describe('an attestation', () => {
  test('asks as often as it needs to, each stream for itself', async () => {
    const { rooms, ctx } = await open({}, 2)
    const [one, other] = [ctx({}), ctx({})]
    assert.equal(challengeOf(await beginAttestation(rooms, one, EVIDENCE)), 'who 0')
    assert.equal(challengeOf(await beginAttestation(rooms, other, { ...EVIDENCE, payload: Buffer.from('y') })), 'who 0')
    assert.equal(challengeOf(await continueAttestation(rooms, one, Buffer.from('a'))), 'who 1')
    await continueAttestation(rooms, other, Buffer.from('b'))
    const step = await continueAttestation(rooms, one, Buffer.from('c'))
    assert.equal('proven' in step && step.proven.id, `spiffe://example.org/spire/agent/${TYPE}/xac`)
    await refused(continueAttestation(rooms, one, Buffer.from('d')), 'invalid', /no challenge/)
    await refused(continueAttestation(rooms, ctx({}), Buffer.from('d')), 'invalid', /no challenge/)
    await refused(continueAttestation(rooms, ctx(), Buffer.from('d')), 'invalid', /no challenge/)
  })

  test('has four rounds and a minute', async () => {
    const { rooms, ctx, clock } = await open({}, 9)
    const stream = ctx({})
    await beginAttestation(rooms, stream, EVIDENCE)
    for (let round = 1; round < 4; round++) await continueAttestation(rooms, stream, Buffer.from('a'))
    await refused(continueAttestation(rooms, stream, Buffer.from('a')), 'denied', /too many rounds/)
    const late = ctx({})
    await beginAttestation(rooms, late, EVIDENCE)
    clock.advance(60_000)
    await refused(continueAttestation(rooms, late, Buffer.from('a')), 'denied', /took too long/)
    await refused(beginAttestation(rooms, ctx(), EVIDENCE), 'invalid', /asks back/)
  })

  for (const path of ['', '/', '..', '../x509pop/a', 'a/../../b', 'a//b', 'a/', '/a', '.', 'ä', 'a b', 'a%2e', 'a\0', 'x'.repeat(3000)]) {
    test(`makes no ID of ${JSON.stringify(path).slice(0, 30)}`, async () => {
      const { rooms, ctx } = await open({ path })
      await refused(beginAttestation(rooms, ctx({}), EVIDENCE), 'denied', /makes no agent ID/)
    })
  }

  test('has selectors of its own type, that an entry could ask for, once each', async () => {
    const { rooms, ctx } = await open({ selectors: ['hostname:b', 'hostname:a', 'hostname:b'] })
    const step = await beginAttestation(rooms, ctx({}), EVIDENCE)
    assert.deepEqual(
      'proven' in step && step.proven.selectors,
      ['a', 'b'].map((name) => ({ type: TYPE, value: `hostname:${name}` })),
    )
    for (const selectors of [['host:a'], [''], ['hostname:'], [`hostname:${'x'.repeat(3000)}`]]) {
      const wrong = await open({ selectors })
      await refused(beginAttestation(wrong.rooms, wrong.ctx({}), EVIDENCE), 'invalid', /selector/)
    }
    const many = await open({ selectors: Array.from({ length: 1001 }, (_, n) => `hostname:${n}`) })
    await refused(beginAttestation(many.rooms, many.ctx({}), EVIDENCE), 'denied', /at most 1000 selectors/)
  })

  test('is not begun for an address that comes too often', async () => {
    const { rooms, ctx } = await open({}, 0, false)
    await refused(beginAttestation(rooms, ctx({}), EVIDENCE), 'throttled', /too many attestations/)
  })
})

describe('the settings of attestors', () => {
  test('are heard of at once, and end what is offered with them', async () => {
    const { rooms, ctx } = await open()
    assert.deepEqual(rooms.attestors.types(), [TYPE])
    assert.equal(await rooms.attestors.remove(TYPE), true)
    assert.equal(await rooms.attestors.remove(TYPE), false)
    await refused(beginAttestation(rooms, ctx({}), EVIDENCE), 'invalid', /not offered/)
    await assert.rejects(rooms.attestors.set(TYPE, {}), /missing name/)
    await assert.rejects(rooms.attestors.set('other', {}), /unknown \(known: http_challenge, join_token\)/)
  })
})
