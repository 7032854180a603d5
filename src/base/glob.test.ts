import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { isGlobMatch } from './glob.ts'

const CASES: readonly (readonly [glob: string, text: string, matches: boolean])[] = [
  ['dev', 'dev', true],
  ['dev', 'deva', false],
  ['', '', true],
  ['*', '', true],
  ['*', 'anything', true],
  ['dev-*', 'dev-', true],
  ['dev-*', 'de', false],
  ['*-ro', 'web-ro', true],
  ['*-ro', '-r', false],
  ['a*a', 'a', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'acb', false],
  ['a**c', 'abc', true],
  ['a.c', 'abc', false],
]

for (const [glob, text, matches] of CASES) {
  test(`${JSON.stringify(glob)} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () =>
    assert.equal(isGlobMatch(glob, text), matches))
}

test('as a regular expression would say', () => {
  const letters = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 8 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(letters, letters, (glob, raw) => {
      const text = raw.replaceAll('*', 'a')
      assert.equal(isGlobMatch(glob, text), new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(text))
    }),
  )
})
