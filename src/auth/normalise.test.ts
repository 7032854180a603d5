// Names have one form: variants of a name are that name, or no name at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalise, tryNormalise } from './normalise.ts'

const NAMES: readonly (readonly [raw: string, name: string | undefined])[] = [
  ['ann', 'ann'],
  ['Ann', 'ann'],
  ['a', 'a'],
  ['_a_', '_a_'],
  ['a.b-c_1', 'a.b-c_1'],
  ['', undefined],
  ['.', undefined],
  ['ann.', undefined],
  ['.ann', undefined],
  ['-ann', undefined],
  ['ann-', undefined],
  [' ann', undefined],
  ['ann ', undefined],
  ['an n', undefined],
  ['ann\u00a0', undefined],
  ['an\u200dn', undefined],
  ['ann\n', undefined],
  ['ann\0', undefined],
  ['İnan', undefined],
  ['ınan', undefined],
  ['straße', undefined],
  ['\u212aim', undefined],
  ['ſam', undefined],
  ['аnn', undefined],
  ['a/b', undefined],
  ['a@b', undefined],
]

test('user and role names', () => {
  for (const kind of ['username', 'role'] as const) {
    for (const [raw, name] of NAMES) assert.equal(tryNormalise(kind, raw), name, JSON.stringify(raw))
  }
  assert.throws(() => normalise('username', 'ann.'), { code: 'missing', message: '1 error occurred:\n\t* unsupported path\n\n' })
})

test('ids keep their letters, but not what copying leaves around them', () => {
  assert.equal(normalise('role-id', ' A-b\u00a0\n'), 'A-b')
  assert.equal(normalise('secret-id', 'Straße'), 'Straße')
})

test('whatever two texts have in common under any case folding, they are one name or not both names', () => {
  const letter = fc.constantFrom(...'aAiIkKsS09_.-', 'İ', 'ı', 'ß', 'ẞ', '\u212a', 'ſ', '\u00a0', '\u200d', ' ', '\u0130', 'ﬀ', 'é', 'e\u0301')
  const text = fc.array(letter, { maxLength: 5 }).map((letters) => letters.join(''))
  const folds = (s: string) => [s.toLowerCase(), s.toUpperCase(), s.normalize('NFKC').toLowerCase(), s.trim()]
  fc.assert(
    fc.property(text, (raw) => {
      const name = tryNormalise('username', raw)
      if (name === undefined) return
      assert.equal(tryNormalise('username', name), name)
      for (const fold of folds(raw)) assert.equal(tryNormalise('username', fold), name)
    }),
    { numRuns: 2_000 },
  )
})
