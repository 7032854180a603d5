// RFC 7396, appendix A, as far as patches are objects; and numbers that no double holds.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson, type JsonObject } from '../../base/json.ts'
import { mergePatch } from './merge-patch.ts'

const CASES = [
  ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
  ['{"a":"b"}', '{"a":null}', '{}'],
  ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
  ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
  ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
  ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
  ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
  ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
  ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
  ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ['{"a":9007199254740993}', '{"b":1.0}', '{"a":9007199254740993,"b":1.0}'],
  ['{"a":1.0}', '{"a":{"b":1e400}}', '{"a":{"b":1e400}}'],
  ['{"a":{"b":1}}', '{"a":1.0}', '{"a":1.0}'],
  ['{"__proto__":{"a":1}}', '{"__proto__":{"b":2}}', '{"__proto__":{"a":1,"b":2}}'],
] as const

const parse = (text: string) => parseJson(Buffer.from(text))

for (const [target, patch, merged] of CASES)
  test(`${target} + ${patch} = ${merged}`, () => {
    assert.equal(JSON.stringify(mergePatch(parse(target), parse(patch) as JsonObject)), merged)
  })
