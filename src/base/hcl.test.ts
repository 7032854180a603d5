// HCL and its JSON form: literals, blocks, places, refusals and bounds.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Fault } from './fault.ts'
import { MAX_HCL_CHARS } from './hcl-cursor.ts'
import { parseHcl } from './hcl.ts'
import { toObject } from './hcl-object.ts'

const read = (text: string) => toObject(parseHcl(text))
const value = (text: string) => read(`a = ${text}`).a

describe('literals', () => {
  const table: [string, unknown][] = [
    ['1', 1],
    ['-12', -12],
    ['0655', 429],
    ['-017', -15],
    ['0x1F', 31],
    ['1.5', 1.5],
    ['1.5e3', 1500],
    ['.5', 0.5],
    ['09.5', 9.5],
    ['true', true],
    ['false', false],
    ['""', ''],
    ['"a\\tb\\n\\"\\\\"', 'a\tb\n"\\'],
    ['"\\u00e9\\U0001F600\\x41\\101"', 'é😀AA'],
    ['"${foo("x\\n") + {"y"}} \\n"', '${foo("x\\n") + {"y"}} \n'],
    ['"$ {"', '$ {'],
    ['[1, "b", true,]', [1, 'b', true]],
    ['[[1], [2]]', [[1], [2]]],
    ['[{ b = 1 }, { b = 2 }]', [{ b: 1 }, { b: 2 }]],
    ['{ b = 1, c = 2 }', [{ b: 1, c: 2 }]],
    ['<<EOF\n one\n  two\nEOF\n', ' one\n  two\n'],
    ['<<EOF\nEOF\n', ''],
    ['<<-EOF\n    one\n      two\n    EOF\n', 'one\n  two\n'],
    ['<<-EOF\n  one\n    two\n    EOF\n', '  one\n    two\n'],
    ['<<EOF\r\none\r\nEOF\r\n', 'one\n'],
  ]
  for (const [text, expected] of table) test(JSON.stringify(text), () => assert.deepEqual(value(text), expected))
})

describe('structure', () => {
  test('comments of every kind', () => {
    assert.deepEqual(read('# one\na = 1 // two\n/* three\n */ b = 2 # four'), { a: 1, b: 2 })
  })
  test('blocks keep their order, labels a level each', () => {
    assert.deepEqual(read('l "tcp" { a = 1 }\nl "unix" { b = 2 }\nl "tcp" "x" {}'), {
      l: [{ tcp: [{ a: 1 }] }, { unix: [{ b: 2 }] }, { tcp: [{ x: [{}] }] }],
    })
  })
  test('a block within a block', () => {
    assert.deepEqual(read('seal "transit" { tls { ca = "x" } }\nui = true'), { seal: [{ transit: [{ tls: [{ ca: 'x' }] }] }], ui: true })
  })
  test('the tree knows keys, labels and places', () => {
    const [item] = parseHcl('\n  path "kv/*" {}').items
    assert.deepEqual(
      item?.names.map(({ text, raw, line, column }) => [text, raw, line, column]),
      [
        ['path', 'path', 2, 3],
        ['kv/*', '"kv/*"', 2, 8],
      ],
    )
    assert.equal(item?.assigned, false)
  })
  test('names that objects have by nature are names like any other', () => {
    const object = read('__proto__ { polluted = true }\nconstructor = 1\n"toString" = 2')
    assert.deepEqual(Object.keys(object).sort(), ['__proto__', 'constructor', 'toString'])
    assert.equal(Object.getPrototypeOf(object), Object.prototype)
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })
})

test('JSON reads as the same objects', () => {
  const hcl = 'listener "tcp" { address = "x", port = 1 }\nui = true\nlist = ["a", 2]'
  const json = '{"listener": {"tcp": {"address": "x", "port": 1}}, "ui": true, "list": ["a", 2]}'
  assert.deepEqual(read(json), read(hcl))
  assert.deepEqual(read('{"listener": [{"tcp": {"address": "x", "port": 1}}], "ui": true, "list": ["a", 2]}'), read(hcl))
  assert.deepEqual(read(' {"a": "${x} \\u00e9\\/", "b": null, "c": -1.5e1, "d": [[1], {"e": 2}]} '), {
    a: '${x} é/',
    b: '',
    c: -15,
    d: [[1], { e: 2 }],
  })
})

describe('refusals say where', () => {
  const deep = '['.repeat(70)
  const table: [string, string][] = [
    ['a', "1:1: key 'a' expected start of object ('{') or assignment ('=')"],
    ['a = ', '1:5: expected a value, got end of text'],
    ['a b = 1', "1:5: expected '{' after 'a b', got '='"],
    ['a {\n  b = 1', '2:8: expected a key, got end of text'],
    ['{', '1:2: expected a quoted key'],
    ['{"a": 1,}', '1:9: expected a quoted key'],
    ['{"a": 1} x', '1:10: expected end of text'],
    ['{"a": "\\ud800"}', '1:15: text is not well-formed Unicode'],
    ['{"a": 01}', "1:8: expected '}'"],
    ['a = "b', '1:5: literal not terminated'],
    ['a = "b\n"', '1:5: literal not terminated'],
    ['a = "\\q"', '1:6: illegal char escape'],
    ['a = "\\xff"', '1:5: escape is not a character'],
    ['a = "\\ud800"', '1:5: escape is not a character'],
    ['a = 089', '1:5: illegal octal number'],
    ['a = 9007199254740993', '1:5: number out of range'],
    ['a = 1e999', '1:5: number out of range'],
    ['a = <<EOF\nx', '1:5: heredoc not terminated'],
    ['a = << EOF\nEOF\n', '1:5: invalid heredoc anchor'],
    ['/* a', '1:1: comment not terminated'],
    ['a = [1 2]', "1:8: expected ',' or ']', got a number"],
    ['true = 1', '1:1: expected a key, got a bool'],
    ['a = @', '1:5: illegal character'],
    ['\ufeffa = 1', '1:1: illegal character'],
    ['a = 1\nb = 2\na = 3', '3:1: "a" is set twice'],
    ['a {}\na = 3', '2:1: "a" is set twice'],
    [`a = ${deep}`, '1:70: nested deeper than 64 levels'],
    [`{"a": ${deep}`, '1:71: nested deeper than 64 levels'],
    ['\0', '1:1: text contains NUL or is not well-formed Unicode'],
    ['\ud800', '1:1: text contains NUL or is not well-formed Unicode'],
    [' '.repeat(MAX_HCL_CHARS + 1), `1:1: text is longer than ${MAX_HCL_CHARS} characters`],
  ]
  for (const [text, message] of table) {
    test(JSON.stringify(text.slice(0, 40)), () => assert.throws(() => read(text), new Fault('invalid', message)))
  }
  test('and never echo what is long', () => {
    assert.throws(
      () => read(`${'k'.repeat(5000)} ?`),
      (error: Fault) => error.message.length < 200,
    )
  })
})

test('as many values as a text can hold are refused, not held', () => {
  assert.throws(() => parseHcl(`a = [${'1,'.repeat(200_000)}]`), /more than 100000 values/)
  assert.throws(() => parseHcl(`{"a": [${'1,'.repeat(200_000)}1]}`), /more than 100000 values/)
})
