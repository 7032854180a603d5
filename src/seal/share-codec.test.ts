import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { parseUnsealBody, printShares } from './share-codec.ts'

const share = randomBytes(33)
const hex = share.toString('hex')
const base64 = share.toString('base64')

function parse(body: string) {
  return parseUnsealBody(Buffer.from(body))
}

test('takes the key as hex or base64, wherever it stands', () => {
  for (const body of [
    `{"key":"${hex}"}`,
    `{"key":"${hex.toUpperCase()}"}`,
    `{"key":"${base64}"}`,
    ` {\n\t"other" : {"key":"no"} , "key" :\r\n "${hex}" , "migrate": false} `,
    `{"a\\"key":"x","KEY":"${base64}"}`,
    `{"list":["key",{"key":"y"}],"\\u006bey":"${hex}"}`,
    `{"key":"first","key":"${hex}"}`,
    `{"key":"${base64.replaceAll('/', '\\/').replaceAll('+', '\\u002b').replaceAll('=', '\\u003D')}"}`,
    `{"key":"${hex}","comment":"\\\\\\"}{\\u00e4"}`,
  ]) {
    assert.deepEqual(parse(body), { key: share, reset: false, migrate: false }, body)
  }
})

test('hex of a length no key has is read as base64, as Vault does', () => {
  assert.deepEqual(parse('{"key":"abcdef12"}').key, Buffer.from('abcdef12', 'base64'))
})

test('reset and migrate', () => {
  assert.deepEqual(parse('{"reset":true}'), { reset: true, migrate: false })
  assert.deepEqual(parse('{"reset":true,"key":"zz"}'), { reset: true, migrate: false })
  assert.deepEqual(parse(`{"key":"${hex}","migrate":true,"reset":null}`), { key: share, reset: false, migrate: true })
})

test('refuses what is no key, in words that repeat nothing of it', () => {
  const malformed = "'key' must be a valid hex or base64 string"
  const absent = "'key' must be specified in request body as JSON, or 'reset' set to true"
  const broken = /^failed to parse JSON input/
  const cases: [string, string | RegExp][] = [
    ['', absent],
    [' \n', absent],
    ['{}', absent],
    ['{"key":""}', absent],
    ['{"key":null,"reset":false}', absent],
    ['{"nested":{"key":"abcd"}}', absent],
    ['{"key":"zz"}', malformed],
    ['{"key":5}', malformed],
    [`{"key":["${hex}"]}`, malformed],
    [`{"key":"${hex}\\n"}`, malformed],
    [`{"key":"${hex}","key":1}`, malformed],
    ['{"reset":"true"}', broken],
    ['{"key":"aa","migrate":1}', broken],
    [`["key","${hex}"]`, broken],
    [`["key":"${hex}"]`, broken],
    [`{"key":"${hex}"`, broken],
    [`{"key":"${hex}`, broken],
    [`{"key":"${hex}\\`, broken],
    [`"${hex}"`, broken],
    [`{"key" "${hex}"}`, broken],
  ]
  for (const [body, expected] of cases) {
    assert.throws(
      () => parse(body),
      (error) => {
        assert.ok(error instanceof Fault && error.code === 'invalid', body)
        if (typeof expected === 'string') assert.equal(error.message, expected, body)
        else assert.match(error.message, expected, body)
        return !error.message.includes(hex.slice(0, 8))
      },
      body,
    )
  }
})

test('leaves no share in the body', () => {
  for (const text of [`{"key":"${hex}"}`, `{"keys":["${hex}"],"a":{"b":"${hex}"}`, `{"key":"${hex}`]) {
    const body = Buffer.from(text)
    try {
      parseUnsealBody(body)?.key?.fill(0)
    } catch {
      // What is refused is blanked too.
    }
    assert.ok(!body.includes(hex.slice(0, 16)), text)
  }
})

test("prints sys/init's answer as JSON would", () => {
  for (const shares of [[share], [share, randomBytes(33), randomBytes(32)], [randomBytes(1), randomBytes(2)]]) {
    const expected = { keys: shares.map((one) => one.toString('hex')), keys_base64: shares.map((one) => one.toString('base64')), root_token: 's."x' }
    assert.equal(printShares({ keys: shares }, { root_token: 's."x' }).toString(), `${JSON.stringify(expected)}\n`)
  }
})
