// Numbered records of several keys each, by which a half commit, a lost one or a damaged value can be told.
import assert from 'node:assert/strict'
import type { Batch, Revision, Store } from '../../src/store/store.ts'

const PARTS = 4
const key = (writer: string, n: number, part: number): string => `record/${writer}/${String(n).padStart(8, '0')}/${part}`
const lastKey = (writer: string): string => `last/${writer}`

/** Of very different sizes: some share a page, some need pages of their own. */
function content(writer: string, n: number, part: number): Buffer {
  const size = n % 50 === 49 ? 20_000 : 20 + ((n * 37 + part * 101) % 900)
  return Buffer.alloc(size, `${writer} ${n} ${part} `)
}

export function record(writer: string, n: number): Batch {
  const parts = Array.from({ length: PARTS }, (_, part) => ({ key: key(writer, n, part), value: content(writer, n, part) }))
  return { ops: [...parts, { key: lastKey(writer), value: Buffer.from(`${n}`) }] }
}

/** The revision of each record in order; fails on half records, damaged values and holes. */
export function records(store: Store, writer: string): Revision[] {
  const found = [...store.range({ prefix: `record/${writer}/` })]
  assert.equal(found.length % PARTS, 0, 'half a commit')
  const revisions: Revision[] = []
  for (const [at, entry] of found.entries()) {
    const [n, part] = [Math.floor(at / PARTS), at % PARTS]
    assert.equal(entry.key, key(writer, n, part), 'a hole')
    assert.ok(entry.value.equals(content(writer, n, part)), `${entry.key} is damaged`)
    revisions[n] ??= entry.revision
    assert.equal(entry.revision, revisions[n], 'parts of one record are of different commits')
  }
  const last = store.get(lastKey(writer))
  assert.equal(last?.value.toString(), revisions.length === 0 ? undefined : `${revisions.length - 1}`)
  assert.equal(last?.revision, revisions.at(-1))
  return revisions
}

/** What a writer said: the revision of each record that it was promised. */
export function hear(acks: Map<number, Revision>, line: string): void {
  const [word, n, revision] = line.split(' ')
  if (word === 'ack') acks.set(Number(n), Number(revision))
}

/** Every promised record is there, at the revision that was promised. */
export function assertKept(acks: ReadonlyMap<number, Revision>, revisions: readonly Revision[]): void {
  for (const [n, revision] of acks) assert.equal(revisions[n], revision, `record ${n} was promised and is gone`)
}
