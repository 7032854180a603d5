// Revoking X509-SVIDs: which ones, by whom, and what the lists of their authorities say of it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import { fromPem, serialText, toPem } from '../crypto/certificate.ts'
import { readCrl } from '../crypto/crl.ts'
import { newCsr } from '../crypto/csr.ts'
import { newSigningKey } from '../crypto/signing-key.ts'
import { openWorld, type World } from '../testing/world.ts'
import { MOST } from './revocations.ts'
import type { Spiffe } from './rooms.ts'

const HOUR = 3_600_000
const WEB = 'spiffe://example.org/web'
const csr = () => newCsr(newSigningKey('ec-p256')).toString('base64')

interface Bench {
  readonly world: World
  readonly rooms: () => Spiffe
  /** The first error of a call that is refused with 400. */
  refused(verb: 'read' | 'write' | 'delete', path: string, data?: JsonObject, options?: object): Promise<string>
  revoke(data: JsonObject): Promise<{ revoked: number; already_revoked: number }>
  /** Serial numbers in the list of the only authority, and its number. */
  listed(): Promise<{ serials: string[]; number: number }>
  /** An agent that joined, and how it asks. */
  join(): Promise<{ id: string; serial: string; ask(path: string, data?: JsonObject): Promise<any> }>
}

async function open(more: JsonObject = {}, now?: number): Promise<Bench> {
  const world = await openWorld()
  if (now !== undefined) world.clock.set(now)
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org', ...more })
  const rooms = () => world.kernel.spiffe() as Spiffe
  return {
    world,
    rooms,
    async refused(verb, path, data = {}, options = {}) {
      const { status, body } = await world.call(verb, path, data, options)
      assert.equal(status, 400, JSON.stringify(body))
      return body.errors[0]
    },
    revoke: async (data) => (await world.ok('write', 'spiffe/svid/revoke', data)).data,
    async listed() {
      const [authority] = rooms().authorities.set().x509
      const { status, answer } = await world.call('read', `spiffe/crl/${authority?.id}`, {}, { token: '' })
      assert.deepEqual([status, answer.headers['Content-Type']], [200, 'application/pkix-crl'])
      const { serials, number } = readCrl(answer.body)
      return { serials: [...serials], number }
    },
    async join() {
      const { token, agent_id: id } = (await world.ok('write', 'spiffe/join-tokens', { ttl: 60 })).data
      const payload = Buffer.from(token).toString('base64')
      const { chain } = (await world.ok('write', 'spiffe/agent/attest', { attestor: 'join_token', payload, csr: csr() }, { token: '' })).data
      const serial = serialOf(Buffer.from(chain[0], 'base64'))
      const authority = rooms().authorities.signer('x509').authority.id
      const peer = { address: '127.0.0.1', port: 1, svid: { id, authority, serial, expiresAt: Number.MAX_SAFE_INTEGER } }
      return { id, serial, ask: async (path, data = {}) => (await world.call('write', `spiffe/agent/${path}`, data, { token: '', peer })).body }
    },
  }
}

const serialOf = (der: Buffer): string => serialText(new X509Certificate(der).serialNumber)

async function minted({ world }: Bench, id = WEB, at = 'spiffe'): Promise<{ pem: string; serial: string }> {
  const { certificate: pem } = (await world.ok('write', `${at}/svid/x509`, { spiffe_id: id, csr: csr() })).data
  return { pem, serial: serialOf(fromPem(pem)[0] as Buffer) }
}

/** Entries below an agent, and an SVID for each. */
async function served({ world }: Bench, agent: Awaited<ReturnType<Bench['join']>>, ...names: string[]): Promise<Record<string, string>> {
  for (const id of names) {
    const entry = { id, spiffe_id: `spiffe://example.org/${id}`, parent_id: agent.id, selectors: 'unix:uid:1' }
    if (!(await world.call('read', `spiffe/entries/${id}`)).body?.data) await world.ok('write', 'spiffe/entries', entry)
  }
  const { results } = (await agent.ask('svids', { requests: Object.fromEntries(names.map((name) => [name, csr()])) })).data
  return Object.fromEntries(names.map((name) => [name, serialOf(Buffer.from(results[name].chain[0], 'base64'))]))
}

describe('an X509-SVID is revoked', () => {
  test('by its certificate, once, and read with what is known of it', async () => {
    const bench = await open()
    const { pem, serial } = await minted(bench)
    assert.deepEqual(await bench.listed(), { serials: [], number: 1 })
    assert.deepEqual(await bench.revoke({ certificate: pem, reason: 'key_compromise' }), { revoked: 1, already_revoked: 0 })
    assert.deepEqual(await bench.listed(), { serials: [serial], number: 2 })
    assert.deepEqual(await bench.revoke({ certificate: pem, reason: 'superseded' }), { revoked: 0, already_revoked: 1 })
    assert.deepEqual(await bench.listed(), { serials: [serial], number: 2 })
    const { data } = await bench.world.ok('list', 'spiffe/svid/revoked')
    const authority = bench.rooms().authorities.signer('x509').authority.id
    assert.deepEqual(data.keys, [`${authority}/${serial}`])
    const { data: one } = await bench.world.ok('read', `spiffe/svid/revoked/${data.keys[0]}`)
    assert.deepEqual(data.key_info[data.keys[0]], one)
    assert.deepEqual([one.spiffe_id, one.reason, one.serial_number, one.authority_id], [WEB, 'key_compromise', serial, authority])
    assert.equal((await bench.world.call('read', `spiffe/svid/revoked/${authority}/ab`)).status, 404)
  })

  test('by its serial number, with colons or without', async () => {
    const bench = await open()
    const [one, two] = [await minted(bench), await minted(bench)]
    assert.equal((await bench.revoke({ serial_number: one.serial.toUpperCase() })).revoked, 1)
    const colons = two.serial.padStart(32, '0').match(/../g)?.join(':') ?? ''
    assert.equal((await bench.revoke({ serial_number: colons })).revoked, 1)
    assert.equal((await bench.revoke({ serial_number: one.serial })).already_revoked, 1)
    assert.deepEqual((await bench.listed()).serials.sort(), [one.serial, two.serial].sort())
  })

  test('with all others of its SPIFFE ID that live', async () => {
    const bench = await open()
    await minted(bench)
    bench.world.clock.advance(2 * HOUR)
    const [first, second, other] = [await minted(bench), await minted(bench), await minted(bench, `${WEB}/2`)]
    assert.deepEqual(await bench.revoke({ spiffe_id: WEB }), { revoked: 2, already_revoked: 0 })
    const { serials } = await bench.listed()
    assert.deepEqual(serials.sort(), [first.serial, second.serial].sort())
    assert.ok(!serials.includes(other.serial))
    const again = await bench.world.ok('write', 'spiffe/svid/revoke', { spiffe_id: `${WEB}/3` })
    assert.deepEqual([again.data.revoked, again.warnings], [0, ['no X509-SVID that lives is known of it']])
  })

  test('with its entry, as that is deleted, alone or with others', async () => {
    const bench = await open()
    const agent = await bench.join()
    const serials = await served(bench, agent, 'a', 'b', 'c', 'd')
    assert.equal((await bench.world.call('delete', 'spiffe/entries/a')).status, 204)
    assert.deepEqual((await bench.listed()).serials, [])
    assert.deepEqual((await bench.world.ok('delete', 'spiffe/entries/b', { revoke: true })).data, { revoked: 1, already_revoked: 0 })
    assert.deepEqual((await bench.listed()).serials, [serials['b']])
    assert.equal(
      (await bench.world.ok('read', `spiffe/svid/revoked/${await authorityOf(bench)}/${serials['b']}`)).data.reason,
      'cessation_of_operation',
    )
    const { data } = await bench.world.ok('write', 'spiffe/entries/batch', { delete: ['c', 'd', 'e'], revoke: true, reason: 'superseded' })
    assert.deepEqual([data.revoked, data.delete.map((each: { ok: boolean }) => each.ok)], [2, [true, true, false]])
    assert.equal((await bench.revoke({ entry_id: 'a' })).revoked, 1)
    assert.equal((await bench.listed()).serials.length, 4)
    assert.equal((await bench.world.call('delete', 'spiffe/entries/none', { revoke: true })).status, 404)
  })

  test('with its agent, as that is banned, which then gets nothing more', async () => {
    const bench = await open()
    const [agent, other] = [await bench.join(), await bench.join()]
    const serials = await served(bench, agent, 'a', 'b')
    const kept = await served(bench, other, 'c')
    const at = `spiffe/agents/${agent.id.split('/').slice(3).join('/')}`
    assert.deepEqual((await bench.world.ok('write', `${at}/ban`)).data, { revoked: 3, already_revoked: 0 })
    const { serials: listed } = await bench.listed()
    assert.deepEqual(listed.sort(), [agent.serial, ...Object.values(serials)].sort())
    assert.ok(!listed.includes(kept['c'] as string))
    assert.deepEqual((await agent.ask('svids', { requests: { a: csr() } })).errors, ['banned'])
    await bench.world.ok('write', `spiffe/agents/${other.id.split('/').slice(3).join('/')}/ban`, { revoke: false })
    assert.equal((await bench.listed()).serials.length, 3)
    assert.equal((await bench.revoke({ agent_id: other.id })).revoked, 2)
    assert.equal((await bench.world.call('write', 'spiffe/agents/spire/agent/none/ban')).status, 404)
  })

  test('and the request is audited', async () => {
    const bench = await open()
    await bench.world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: '/audit.log' } })
    await bench.revoke({ spiffe_id: WEB })
    const records = bench.world.audit('/audit.log').filter(({ request }) => request?.path === 'spiffe/svid/revoke')
    assert.deepEqual(
      records.map(({ type }) => type),
      ['request', 'response'],
    )
  })
})

const authorityOf = async ({ rooms }: Bench): Promise<string> => rooms().authorities.signer('x509').authority.id

describe('a revocation is refused', () => {
  const stranger = toPem([])
  for (const [why, input, message] of [
    ['that says nothing', {}, /exactly one of/],
    ['that says it twice', { spiffe_id: WEB, entry_id: 'a' }, /exactly one of/],
    ['of no SPIFFE ID', { spiffe_id: 'web' }, /scheme is missing/],
    ['of a foreign SPIFFE ID', { spiffe_id: 'spiffe://other.org/web' }, /not a member/],
    ['of no agent', { agent_id: 'x' }, /scheme is missing/],
    ['of no serial number', { serial_number: 'xyz' }, /up to 20 bytes in hex/],
    ['of an unknown serial number', { serial_number: 'ab' }, /no X509-SVID that lives has the serial number ab/],
    ['of an unknown authority', { serial_number: 'ab', authority_id: 'cd' }, /no x509 authority has the ID "cd"/],
    ['of no certificate', { certificate: stranger }, /no certificate in PEM/],
    ['of a broken certificate', { certificate: toPem([Buffer.from('x')]) }, /malformed certificate/],
    ['for no reason', { spiffe_id: WEB, reason: 'ca_compromise' }, /must be one of/],
    ['with an authority and no serial number', { spiffe_id: WEB, authority_id: 'ab' }, /goes with serial_number only/],
  ] as const) {
    test(why, async () => {
      const bench = await open()
      assert.match(await bench.refused('write', 'spiffe/svid/revoke', input), message)
      assert.deepEqual(await bench.listed(), { serials: [], number: 1 })
    })
  }

  test('of a certificate that somebody else signed, or that ended', async () => {
    const bench = await open()
    const { pem } = await minted(bench)
    assert.match(await (await open()).refused('write', 'spiffe/svid/revoke', { certificate: pem }), /no X.509 authority of this server signed it/)
    bench.world.clock.advance(2 * HOUR)
    assert.match(await bench.refused('write', 'spiffe/svid/revoke', { certificate: pem }), /certificate has expired/)
  })

  test('by identity where nobody keeps track, and not by certificate or serial number', async () => {
    const bench = await open({ track_svids: false })
    const agent = await bench.join()
    await served(bench, agent, 'a')
    for (const input of [{ spiffe_id: WEB }, { entry_id: 'a' }, { agent_id: agent.id }]) {
      assert.match(await bench.refused('write', 'spiffe/svid/revoke', input), /track_svids is off/)
    }
    assert.match(await bench.refused('delete', 'spiffe/entries/a', { revoke: true }), /track_svids is off/)
    assert.match(await bench.refused('write', 'spiffe/entries/batch', { delete: ['a'], revoke: true }), /track_svids is off/)
    await bench.world.ok('read', 'spiffe/entries/a')
    const { pem, serial } = await minted(bench)
    assert.equal((await bench.revoke({ certificate: pem })).revoked, 1)
    assert.equal((await bench.revoke({ serial_number: 'abcd' })).revoked, 1)
    assert.deepEqual((await bench.listed()).serials.sort(), ['abcd', serial].sort())
    const banned = await bench.world.ok('write', `spiffe/agents/${agent.id.split('/').slice(3).join('/')}/ban`)
    assert.deepEqual([banned.data.revoked, banned.warnings.length], [1, 1])
  })

  test('where a list would grow too long for clients', async () => {
    const bench = await open({ track_svids: false })
    const [authority] = bench.rooms().authorities.set().x509
    const fake = { authority: authority?.id ?? '', spiffeId: '', entry: '', agent: '', expiresAt: bench.world.clock.now() + HOUR }
    const many = Array.from({ length: MOST }, (_, at) => ({ ...fake, serial: `f${at.toString(16).padStart(31, '0')}` }))
    assert.equal(await bench.rooms().revocations.add(many, 'unspecified'), MOST)
    assert.match(await bench.refused('write', 'spiffe/svid/revoke', { serial_number: 'abcd' }), /let another one sign, then taint and revoke/)
    assert.ok((await bench.world.call('read', `spiffe/crl/${authority?.id}`)).answer.body.length < 1 << 19)
  })
})

describe('in a namespace', () => {
  async function parted() {
    const bench = await open()
    const { world } = bench
    for (const name of ['red', 'blue']) {
      await world.ok('write', `sys/namespaces/${name}`)
      await world.ok('write', `${name}/sys/mounts/spiffe`, { type: 'spiffe' })
      await world.ok('write', `spiffe/namespaces/${name}`, { prefix: `/ns/${name}` })
    }
    return bench
  }

  test('SVIDs below its prefix are revoked and shown, and no others', async () => {
    const bench = await parted()
    const red = await minted(bench, 'spiffe://example.org/ns/red/web', 'red/spiffe')
    const blue = await minted(bench, 'spiffe://example.org/ns/blue/web')
    const authority = await authorityOf(bench)
    for (const [input, message] of [
      [{ certificate: blue.pem }, /below \/ns\/red only/],
      [{ serial_number: blue.serial }, /no X509-SVID that lives has the serial number/],
      [{ serial_number: blue.serial, authority_id: authority }, /below \/ns\/red only/],
    ] as const) {
      assert.match(await bench.refused('write', 'red/spiffe/svid/revoke', input), message)
    }
    assert.equal((await bench.world.ok('write', 'red/spiffe/svid/revoke', { spiffe_id: 'spiffe://example.org/ns/blue/web' })).data.revoked, 0)
    assert.deepEqual((await bench.listed()).serials, [])
    assert.equal((await bench.world.ok('write', 'red/spiffe/svid/revoke', { serial_number: red.serial })).data.revoked, 1)
    assert.equal((await bench.revoke({ certificate: blue.pem })).revoked, 1)
    assert.deepEqual((await bench.world.ok('list', 'red/spiffe/svid/revoked')).data.keys, [`${authority}/${red.serial}`])
    assert.equal((await bench.world.ok('list', 'spiffe/svid/revoked', { spiffe_id: 'spiffe://example.org/ns/blue/web' })).data.keys.length, 1)
    assert.equal((await bench.world.call('read', `red/spiffe/svid/revoked/${authority}/${blue.serial}`)).status, 404)
    assert.equal((await bench.world.call('read', 'red/spiffe/crl', {}, { token: '' })).status, 200)
  })
})

describe('revocation lists', () => {
  let dir: string
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-revoked-'))
  })
  after(() => rmSync(dir, { recursive: true }))

  test('are taken by OpenSSL, one for each authority in the bundle', async () => {
    const bench = await open({}, Date.now())
    const { world } = bench
    await world.ok('write', 'spiffe/authorities/x509/prepare')
    const [good, bad] = [await minted(bench), await minted(bench)]
    await bench.revoke({ certificate: bad.pem })
    const file = (name: string, content: string | Buffer) => {
      writeFileSync(join(dir, name), content)
      return join(dir, name)
    }
    const { answer } = await world.call('read', 'spiffe/crl', {}, { token: '' })
    assert.equal(String(answer.body).split('BEGIN X509 CRL').length - 1, 2)
    const bundle = file('bundle.pem', (await world.call('read', 'spiffe/bundle', { format: 'pem' })).answer.body)
    const crls = file('crl.pem', answer.body)
    const verify = (pem: string) => {
      const { stdout, stderr } = spawnSync('openssl', ['verify', '-crl_check_all', '-CAfile', bundle, '-CRLfile', crls, file('svid.pem', pem)])
      return `${stdout}${stderr}`
    }
    assert.match(verify(good.pem), /: OK/)
    assert.match(verify(bad.pem), /certificate revoked/)
  })

  test('are renewed at half their life, and let go of what ended before the last one', async () => {
    const bench = await open({ authority_ttl: '48h' })
    const { world } = bench
    const sweep = async (hours: number) => {
      world.clock.advance(hours * HOUR)
      await world.kernel.sweep()
      return bench.listed()
    }
    const { pem, serial } = await minted(bench)
    await bench.revoke({ certificate: pem })
    assert.deepEqual(await sweep(11), { serials: [serial], number: 2 })
    assert.deepEqual((await sweep(1)).number, 3)
    assert.deepEqual((await bench.listed()).serials, [serial]) // it ended since, and is named once more
    await world.kernel.sweep()
    assert.equal((await bench.listed()).number, 3)
    assert.deepEqual(await sweep(12), { serials: [], number: 4 })
    assert.equal((await world.call('list', 'spiffe/svid/revoked')).status, 404)
  })

  test('go with their authority, and so does what they named', async () => {
    const bench = await open()
    const { world } = bench
    const { pem } = await minted(bench)
    await bench.revoke({ certificate: pem })
    const first = await authorityOf(bench)
    const { authority_id: next } = (await world.ok('write', 'spiffe/authorities/x509/prepare')).data
    assert.equal(bench.rooms().crls.all().length, 2)
    await world.ok('write', 'spiffe/authorities/x509/activate', { authority_id: next })
    await world.ok('write', 'spiffe/authorities/x509/taint', { authority_id: first })
    await world.ok('write', 'spiffe/authorities/x509/revoke', { authority_id: first })
    assert.equal((await world.call('read', `spiffe/crl/${first}`)).status, 404)
    await world.kernel.sweep()
    assert.equal((await world.call('list', 'spiffe/svid/revoked')).status, 404)
    assert.match(await bench.refused('write', 'spiffe/svid/revoke', { certificate: pem }), /no X.509 authority of this server signed it/)
  })

  test('come where they are missing, as in a trust domain of before there were any', async () => {
    const bench = await open()
    const { id = '' } = bench.rooms().authorities.set().x509[0] ?? {}
    const key = [...bench.world.inside.keys({ prefix: '' })].find((each) => each.endsWith(`/crl/${id}`)) as string
    await bench.world.inside.commit({ ops: [{ key, value: undefined }] })
    assert.equal((await bench.world.call('read', `spiffe/crl/${id}`)).status, 404)
    await bench.world.kernel.sweep()
    assert.equal((await bench.listed()).number, 1)
  })

  test('are the same in every process', async () => {
    const bench = await open()
    const { pem } = await minted(bench)
    const twin = bench.world.twin()
    const before = await bench.world.call('read', 'spiffe/crl', {}, { kernel: twin })
    await bench.revoke({ certificate: pem })
    const [here, there] = [await bench.world.call('read', 'spiffe/crl'), await bench.world.call('read', 'spiffe/crl', {}, { kernel: twin })]
    assert.deepEqual(here.answer.body, there.answer.body)
    assert.notDeepEqual(before.answer.body, there.answer.body)
    assert.match(
      (await bench.world.call('write', 'spiffe/svid/validate', { certificate: pem }, { kernel: twin })).body.errors[0],
      /certificate is revoked/,
    )
  })
})

describe('records of what was issued', () => {
  const records = ({ world }: Bench): string[] => [...world.inside.keys({ prefix: '' })].filter((key) => key.includes('/issued/'))

  test('are one for all of a request, and go when the last of them ended', async () => {
    const bench = await open({ x509_svid_ttl: 1800 })
    const agent = await bench.join()
    assert.equal(records(bench).length, 1)
    await served(bench, agent, 'a', 'b', 'c', 'd', 'e')
    assert.equal(records(bench).length, 2)
    bench.world.clock.advance(HOUR / 2)
    await bench.world.kernel.sweep()
    assert.equal(records(bench).length, 1)
    bench.world.clock.advance(HOUR / 2)
    await bench.world.kernel.sweep()
    assert.equal(records(bench).length, 0)
  })

  test('are kept for SVIDs by exchange, by name and for servers below, and not where that is switched off', async () => {
    const bench = await open()
    await minted(bench)
    assert.equal(records(bench).length, 1)
    await bench.world.ok('write', 'spiffe/config', { track_svids: false })
    await minted(bench)
    assert.equal(records(bench).length, 1)
    assert.equal((await bench.world.ok('read', 'spiffe/config')).data.track_svids, false)
  })
})
