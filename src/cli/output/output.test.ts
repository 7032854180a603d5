// How values, tables, JSON and YAML are printed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJson } from '../../base/json.ts'
import { sorted, toJson } from './json.ts'
import { banner, bannerFor, columns, table } from './table.ts'
import { fieldText, goQuoted, goText, goTime, shortDuration } from './text.ts'
import { wrap } from './wrap.ts'
import { toYaml } from './yaml.ts'

test('tables', () => {
  assert.equal(
    table(
      ['Key', 'Value'],
      [
        ['a', '1'],
        ['longer', ''],
      ],
    ),
    'Key       Value\n---       -----\na         1\nlonger    n/a',
  )
  assert.equal(
    columns([
      ['∞', 'x'],
      ['ab', ' y '],
    ]),
    '∞     x\nab    y',
  )
  assert.equal(banner('Secret Path', 'secret/data/a'.length), '== Secret Path ==')
  assert.equal(bannerFor('Data', ['password']), '====== Data ======')
})

test('values as Go prints them', () => {
  assert.equal(goText(parseJson(Buffer.from('{"b":[1,"x",1.0],"a":null,"c":{}}'))), 'map[a:<nil> b:[1 x 1.0] c:map[]]')
  assert.equal(goQuoted(['a', 'b c']), '["a" "b c"]')
  assert.equal(goQuoted(null), '[]')
  assert.equal(goTime('2026-11-24T08:00:00.5Z'), '2026-11-24 08:00:00.5 +0000 UTC')
  assert.equal(goTime('2026-11-24T08:00:00+02:00'), '2026-11-24 08:00:00 +0200 +0200')
})

for (const [seconds, text] of [
  [0, '0s'],
  [59, '59s'],
  [60, '1m'],
  [3600, '1h'],
  [3660, '1h1m'],
  [3601, '1h0m1s'],
  [2764800, '768h'],
] as const) {
  test(`${seconds} s reads ${text}`, () => assert.equal(shortDuration(seconds), text))
}

test('fields named after a duration are shown as one', () => {
  assert.equal(fieldText('token_ttl', 3600), '1h')
  assert.equal(fieldText('period', 60), '1m')
  assert.equal(fieldText('ttl_max', 60), '1m')
  assert.equal(fieldText('version', 60), '60')
  assert.equal(fieldText('ttl', '60'), '60')
})

test('JSON is sorted and safe in HTML', () => {
  assert.equal(
    toJson(sorted({ b: '<&>\u2028', a: [{ d: 1, c: {} }] })),
    '{\n  "a": [\n    {\n      "c": {},\n      "d": 1\n    }\n  ],\n  "b": "\\u003c\\u0026\\u003e\\u2028"\n}',
  )
})

test('prose is wrapped', () => {
  const lines = wrap(`${'word '.repeat(30)}`, 2).split('\n')
  assert.ok(lines.length === 2 && lines.every((line) => line.length <= 78 && line.startsWith('  word')))
})

for (const [value, yaml] of [
  ['plain text', 'plain text'],
  ['', '""'],
  ['yes', '"yes"'],
  ['1.5', '"1.5"'],
  ['1:30', '"1:30"'],
  ['2026-11-24', '"2026-11-24"'],
  ['0x1f', '"0x1f"'],
  ['1.2.3', '1.2.3'],
  ['a: b', "'a: b'"],
  ["it's", "it's"],
  ["'a", "'''a'"],
  ['- a', "'- a'"],
  ['#a', "'#a'"],
  ['a #b', "'a #b'"],
  [' a', "' a'"],
  ['a\tb', '"a\\tb"'],
  ['\u0085', '"\\u0085"'],
  ['a\nb\n', '|\n  a\n  b'],
  ['a\nb', '|-\n  a\n  b'],
  [' a\nb', '" a\\nb"'],
  [null, 'null'],
  [true, 'true'],
  [[], '[]'],
  [{}, '{}'],
  [{ b: [1, { y: 2, x: [] }], a: { c: 'l\nm' } }, 'a:\n  c: |-\n    l\n    m\nb:\n- 1\n- x: []\n  "y": 2'],
  [[[1, 2], ['a']], '- - 1\n  - 2\n- - a'],
  [{ 'a\nb': 1 }, '"a\\nb": 1'],
] as const) {
  test(`YAML of ${JSON.stringify(value)}`, () => assert.equal(toYaml(value as never), yaml))
}
