// The part of the suite about order: spans against a naive model, over keys that sort differently as bytes and as UTF-16.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { children } from './folder.ts'
import { Conflict, type Key, type Revision, type Span, type Store } from './store.ts'

const NAMES = ['a', 'a/', 'ab', 'b', '-', '/', 'é', '\uffff', '\ue000', '\u{10000}', '\u{10ffff}', '\0', '\x7f']
const name = fc.array(fc.constantFrom(...NAMES), { minLength: 0, maxLength: 3 }).map((parts) => parts.join(''))
const batch = fc.record({
  ops: fc.array(fc.record({ key: name, value: fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined }) }), { minLength: 1, maxLength: 5 }),
  expect: fc.array(fc.record({ key: name, holds: fc.boolean() }), { maxLength: 2 }),
})
const span = fc.record({ prefix: name, after: name, limit: fc.nat({ max: 6 }), reverse: fc.boolean() }, { requiredKeys: ['prefix'] })

interface Kept {
  readonly value: Buffer
  readonly revision: Revision
}

/** Fresh keys for each run, in a store that all runs share. */
let runs = 0

export function conformOrder(open: () => Store): void {
  test('does what a map and a sort do', async () => {
    const property = fc.asyncProperty(fc.array(batch, { maxLength: 6 }), fc.array(span, { maxLength: 8 }), async (batches, spans) => {
      const store = open()
      const base = `o/${runs++}/`
      const model = new Map<Key, Kept>()
      for (const one of batches) await step(store, base, model, one)
      for (const one of [{ prefix: '' }, ...spans]) compare(store, base, model, one as Span)
    })
    await fc.assert(property, { numRuns: 60 })
  })
  test('lists folders as a walk of all keys would', async () => {
    const property = fc.asyncProperty(fc.uniqueArray(name, { minLength: 1, maxLength: 12 }), fc.integer({ min: 1, max: 4 }), async (names, limit) => {
      const store = open()
      const base = `o/${runs++}/`
      await store.commit({ ops: names.map((one) => ({ key: base + one, value: Buffer.from('x') })) })
      const wanted = sorted(new Set(names.filter(Boolean).map((one) => one.slice(0, one.indexOf('/') + 1 || one.length))))
      assert.deepEqual([...children(store, base)], wanted)
      const paged: string[] = []
      for (let page = [...children(store, base, { limit })]; page.length > 0; ) {
        assert.ok(page.length <= limit)
        paged.push(...page)
        page = [...children(store, base, { limit, after: page.at(-1) as string })]
      }
      assert.deepEqual(paged, wanted)
    })
    await fc.assert(property, { numRuns: 40 })
  })
}

async function step(
  store: Store,
  base: string,
  model: Map<Key, Kept>,
  one: { ops: { key: Key; value: Uint8Array | undefined }[]; expect: { key: Key; holds: boolean }[] },
) {
  const ops = one.ops.map(({ key, value }) => ({ key: base + key, value: value && Buffer.from(value) }))
  const expect = one.expect.map(({ key, holds }) => {
    const revision = model.get(base + key)?.revision ?? 0
    return { key: base + key, revision: holds ? revision : revision + 1 }
  })
  if (one.expect.some(({ holds }) => !holds)) {
    await assert.rejects(store.commit({ ops, expect }), Conflict)
    return
  }
  const revision = await store.commit({ ops, expect })
  for (const { key, value } of ops) {
    if (value) model.set(key, { value, revision })
    else model.delete(key)
  }
}

function compare(store: Store, base: string, model: ReadonlyMap<Key, Kept>, relative: Span): void {
  const after = relative.after === undefined ? {} : { after: base + relative.after }
  const one: Span = { ...relative, prefix: base + relative.prefix, ...after }
  const wanted = naive(model, one)
  assert.deepEqual([...store.keys(one)], wanted)
  assert.deepEqual(
    [...store.range(one)],
    wanted.map((key) => ({ key, ...model.get(key) })),
  )
  for (const key of wanted) assert.deepEqual(store.get(key), { key, ...model.get(key) })
}

function naive(model: ReadonlyMap<Key, Kept>, { prefix, after, limit, reverse = false }: Span): Key[] {
  const all = sorted(model.keys())
  if (reverse) all.reverse()
  const past = (key: Key): boolean => after === undefined || (reverse ? bytewise(key, after) < 0 : bytewise(key, after) > 0)
  return all.filter((key) => key.startsWith(prefix) && past(key)).slice(0, limit)
}

function sorted(keys: Iterable<Key>): Key[] {
  return [...keys].sort(bytewise)
}

function bytewise(a: Key, b: Key): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
