// Taking and reading: what was there at one moment comes back, and nothing that is not whole is taken for it.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { partName, printSums, type SnapshotRecord } from './format.ts'
import { type ReadSnapshot, readSnapshot } from './read.ts'
import { takeSnapshot } from './take.ts'
import { readTar, tarEnd, tarEntry } from './tar.ts'

const deps = (store: Store) => ({
  store,
  clock: settableClock(),
  timers: stillTimers,
  seal: (sums: Buffer) => Buffer.from(`sealed:${sums}`),
  version: '0',
})

async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** The store that a snapshot describes, as text by key. */
async function read(bytes: Buffer, size = 1_000): Promise<ReadSnapshot & { readonly entries: Map<string, string> }> {
  const entries = new Map<string, string>()
  const take = async (records: readonly SnapshotRecord[]): Promise<void> => {
    for (const { key, value } of records) void (value ? entries.set(key, value.toString('hex')) : entries.delete(key))
  }
  return { ...(await readSnapshot(inPieces(bytes, size), take)), entries }
}

const contents = (store: Store) => new Map(Array.from(store.range({ prefix: '' }), ({ key, value }) => [key, value.toString('hex')]))

async function filled(count: number, size: number): Promise<Store> {
  const store = memory({ timers: stillTimers })
  await store.commit({ ops: Array.from({ length: count }, (_, n) => ({ key: `k/${n}/ü`, value: randomBytes(size) })) })
  return store
}

describe('a snapshot', () => {
  test('holds everything, in as many parts as it takes, however it arrives', async () => {
    for (const [count, size] of [
      [1, 0],
      [40, 100],
      [5, 1 << 20],
      [3_000, 1_000],
    ] as const) {
      const store = await filled(count, size)
      const bytes = await collect(takeSnapshot(deps(store)))
      const found = await read(bytes, count === 40 ? 1 : 60_000)
      assert.deepEqual(found.entries, contents(store))
      assert.equal(found.meta.Index, store.revision)
      assert.equal(found.sealedSums.toString(), `sealed:${found.sums}`)
      if (size === 1 << 20) assert.equal(found.parts, 6)
    }
  })

  test('shows one revision, whatever is written while it is taken', async () => {
    const store = await filled(3_000, 100)
    let writing = true
    const seen = new Map<number, Map<string, string>>()
    const writer = async (): Promise<void> => {
      for (let n = 0; writing; n++) {
        const key = (at: number) => ({ key: `k/${(n * 7 + at * 997) % 3_500}/ü`, value: n % 3 === 2 ? undefined : randomBytes(20) })
        seen.set(await store.commit({ ops: [key(0), key(1), key(2)] }), contents(store))
      }
    }
    const written = writer()
    const found = await read(await collect(takeSnapshot(deps(store)))).finally(() => {
      writing = false
    })
    await written
    assert.ok(seen.size > 10)
    assert.deepEqual(found.entries, seen.get(found.meta.Index))
  })

  test('that writes outrun is refused', async () => {
    const store = memory({ timers: stillTimers, logLimit: 3 })
    await store.commit({ ops: Array.from({ length: 20_000 }, (_, n) => ({ key: `k${n}`, value: Buffer.alloc(200) })) })
    const taking = (async () => {
      for await (const _ of takeSnapshot(deps(store))) for (let n = 0; n < 10; n++) await store.commit({ ops: [{ key: 'x', value: randomBytes(4) }] })
    })()
    await assert.rejects(taking, { code: 'unavailable' })
  })

  test('with any byte altered is refused, or means the same', async () => {
    const store = await filled(12, 50)
    const bytes = await collect(takeSnapshot(deps(store)))
    const { entries, sums } = await read(bytes)
    let refused = 0
    for (let at = 0; at < bytes.length; at++) {
      const altered = Buffer.from(bytes)
      altered[at] = (altered[at] as number) ^ (1 << (at % 8))
      try {
        const found = await read(altered)
        assert.deepEqual([found.entries, found.sums], [entries, sums], String(at))
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid', `${at}: ${error}`)
        refused++
      }
    }
    assert.ok(refused > bytes.length * 0.9, `${refused} of ${bytes.length}`)
  })

  test('cut anywhere is refused', async () => {
    const bytes = await collect(takeSnapshot(deps(await filled(12, 50))))
    for (let end = 0; end < bytes.length - 12; end += 7) await assert.rejects(read(bytes.subarray(0, end)), { code: 'invalid' })
  })
})

describe('what is no snapshot', () => {
  const META = JSON.stringify({ Version: 1, ID: 'x', Index: 1, Term: 1, Signet: { format: 1, taken: 't', version: 'v' } })
  const archive = (files: Record<string, string | Buffer>) =>
    gzipSync(Buffer.concat([...Object.entries(files).map(([name, content]) => tarEntry({ name, content: Buffer.from(content) }, 0)), tarEnd()]))
  const reasons: Readonly<Record<string, readonly [Buffer, string]>> = {
    nothing: [Buffer.alloc(0), 'it can not be decompressed'],
    junk: [Buffer.from('junk'), 'it can not be decompressed'],
    'gzip of junk': [gzipSync(Buffer.alloc(600, 'x')), 'it is not a tar archive'],
    'an empty archive': [archive({}), 'a file is missing from it'],
    'another program’s': [
      archive({ 'state.bin': '', 'meta.json': '{"Version":1}', SHA256SUMS: '', 'SHA256SUMS.sealed': '' }),
      'the checksum of state.bin does not match',
    ],
    'a file too many': [archive({ 'state.bin': '', 'etc/passwd': 'x' }), 'unexpected file "etc/passwd"'],
    'a part missing': [archive({ [partName(1)]: '' }), 'unexpected file "state.bin.1"'],
    'a sum too many': [
      archive({ 'state.bin': '', 'meta.json': META, SHA256SUMS: printSums(new Map([['other', '0'.repeat(64)]])), 'SHA256SUMS.sealed': '' }),
      'the checksum of other does not match',
    ],
    'sums that are none': [
      archive({ 'state.bin': '', 'meta.json': META, SHA256SUMS: 'x\n', 'SHA256SUMS.sealed': '' }),
      'SHA256SUMS is not as it should be',
    ],
    'a record cut short': [archive({ 'state.bin': '\0\0\0\u0004\0\0\0\u0009key' }), 'a record is cut short'],
  }
  for (const [name, [bytes, why]] of Object.entries(reasons)) {
    test(name, () => assert.rejects(read(bytes), { code: 'invalid', message: `failed to read snapshot: ${why}` }))
  }

  test('an archive with a link, or with a file past the bound', async () => {
    const link = Buffer.from(tarEntry({ name: 'state.bin', content: Buffer.alloc(0) }, 0))
    link.write('2', 156)
    link.write('0000000\0', 148)
    const tar = async (bytes: Buffer, limit = 100) => {
      for await (const _ of readTar(inPieces(bytes, 100), limit));
    }
    await assert.rejects(tar(link), { code: 'invalid' })
    await assert.rejects(tar(tarEntry({ name: 'a', content: Buffer.alloc(101) }, 0)), /larger than 100 bytes/)
  })
})
