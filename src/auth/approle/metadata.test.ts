// The one text in which clients send metadata, in each of its forms.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import { parseMetadata } from './metadata.ts'

test('JSON, pairs, and either in base64', () => {
  assert.deepEqual(parseMetadata(''), {})
  assert.deepEqual(parseMetadata('{"Team":"Web","n":"1"}'), { Team: 'Web', n: '1' })
  assert.deepEqual(parseMetadata(' Team=Web, n = 1 ,'), { team: 'web', n: '1' })
  assert.deepEqual(parseMetadata(Buffer.from('{"a":"b"}').toString('base64')), { a: 'b' })
  assert.deepEqual(parseMetadata(Buffer.from('a=B').toString('base64')), { a: 'b' })
  assert.deepEqual(Object.entries(parseMetadata('{"__proto__":"x"}')), [['__proto__', 'x']])
})

const REFUSED: readonly (readonly [text: string, cause: string])[] = [
  ['a', 'failed to parse the input: invalid <key,value> format'],
  ['a=b=c', 'failed to parse the input: invalid <key,value> format'],
  ['null', 'failed to parse the input: invalid <key,value> format'],
  ['{"a":1}', 'failed to parse the input: invalid <key,value> format'],
  ['["a"]', 'failed to parse the input: invalid <key,value> format'],
  ['=b', 'failed to parse the input: invalid <key,value> pair: key: "" value: "b"'],
  ['a=', 'failed to parse the input: invalid <key,value> pair: key: "a" value: ""'],
  ['{"a":""}', 'invalid value for key "a"'],
]

test('refusals', () => {
  for (const [text, cause] of REFUSED) assert.throws(() => parseMetadata(text), new Fault('invalid', `failed to parse metadata: ${cause}`), text)
})
