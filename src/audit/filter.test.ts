// Filters mean what they say, and what is no filter is refused with a word on why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../base/fault.ts'
import { type Facts, parseFilter } from './filter.ts'

const facts: Facts = { mount_type: 'kv', mount_point: 'secret/', namespace: '', operation: 'read', path: 'secret/data/app' }

test('expressions over the facts of a request', () => {
  const table: readonly [string, boolean][] = [
    ['mount_type == kv', true],
    ['mount_type == "kv"', true],
    ['mount_type == `kv`', true],
    ['mount_type != kv', false],
    ['operation==read', true],
    ['path contains data', true],
    ['path not contains data', false],
    ['"secret/" in mount_point', true],
    ['nope not in path', true],
    ['namespace is empty', true],
    ['path is empty', false],
    ['path is not empty', true],
    ['not operation == read', false],
    ['not not operation == read', true],
    ['operation == list or operation == read', true],
    ['operation == list or mount_type == kv and path contains nope', false],
    ['(operation == list or mount_type == kv) and path contains app', true],
    ['operation == list and mount_type == nope or path contains app', true],
    ['mount_point == "a\\"b"', false],
    ['"not" in path', false],
  ]
  for (const [source, expected] of table) assert.equal(parseFilter(source)(facts), expected, source)
})

test('what is no filter', () => {
  const table: readonly [string, RegExp][] = [
    ['', /a value is missing/],
    ['user == ann', /"user" is none of mount_point, mount_type, namespace, operation, path/],
    ['path', /a comparison is missing after path/],
    ['path ==', /a value is missing/],
    ['path == a b', /"b" is out of place/],
    ['(path == a', /a parenthesis is not closed/],
    ['path == "a', /is out of place/],
    ['path matches "a.*"', /"matches" is not supported/],
    ['path = a', /is out of place/],
    ['a in', /"" is none of/],
    [`path == ${'a'.repeat(5_000)}`, /too long/],
  ]
  for (const [source, message] of table) assert.throws(() => parseFilter(source), message, source)
})

test('any text is either a filter or refused', () => {
  const words = fc.constantFrom('path', 'mount_type', 'and', 'or', 'not', '(', ')', '==', '!=', 'in', 'is', 'empty', 'contains', '"x"', '"', '`')
  const texts = fc.oneof(
    fc.string(),
    fc.array(words).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(texts, (source) => {
      try {
        assert.equal(typeof parseFilter(source)(facts), 'boolean')
      } catch (error) {
        assert.ok(error instanceof Fault && error.code === 'invalid')
      }
    }),
  )
})
