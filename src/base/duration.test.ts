import assert from 'node:assert/strict'
import fc from 'fast-check'
import { describe, test } from 'node:test'
import { ceilSeconds, formatDuration, formatTime, parseSeconds, toMilliseconds } from './duration.ts'
import { Fault } from './fault.ts'

describe('durations read', () => {
  const taken: readonly (readonly [raw: string | number, seconds: number])[] = [
    ['', 0],
    ['  ', 0],
    ['0', 0],
    ['3600', 3600],
    [3600, 3600],
    [1.9, 1],
    [-5, -5],
    ['-5', -5],
    ['+5', 5],
    [' 60 ', 60],
    ['30d', 2_592_000],
    ['-1d', -86_400],
    ['1h', 3600],
    ['1h30m', 5400],
    ['1h0m10s', 3610],
    ['1.5h', 5400],
    ['.5h', 1800],
    ['1.h', 3600],
    ['4.35m', 261],
    ['250ms', 0],
    ['1500ms', 1],
    ['999999999ns', 0],
    ['1000000000ns', 1],
    ['1000000us', 1],
    ['1000000µs', 1],
    ['1000000μs', 1],
    ['-0.5s', 0],
    ['-1h30m', -5400],
    ['+1m', 60],
    ['2562047h', 9_223_369_200],
  ]
  for (const [raw, seconds] of taken) test(`${JSON.stringify(raw)} is ${seconds} s`, () => assert.equal(parseSeconds(raw), seconds))

  const refused = [
    '1.5',
    'd',
    '1.5d',
    '1d2h',
    '1h1',
    'h',
    'soon',
    '1 h',
    '1h -1m',
    '1h-30m',
    '--1h',
    '1H',
    '1y',
    '1w',
    '0x10',
    '1e3',
    '9999999999',
    Number.NaN,
    1e30,
    '2562048h',
  ]
  for (const raw of refused) {
    test(`${JSON.stringify(raw)} is refused`, () =>
      assert.throws(
        () => parseSeconds(raw),
        (error) => error instanceof Fault && error.code === 'invalid',
      ))
  }

  test('rounded away from nothing', () =>
    assert.deepEqual(['0', '', '1ns', '250ms', '-1ms', '1.9s', '-3s'].map(ceilSeconds), [0, 0, 1, 1, -1, 1, -3]))
  test('in milliseconds', () => assert.deepEqual([toMilliseconds('250ms'), toMilliseconds('1.5s'), toMilliseconds(2)], [250, 1500, 2000]))
})

test('durations print as Go prints them', () => {
  const printed = { 0: '0s', 59: '59s', 60: '1m0s', 3600: '1h0m0s', 12_319: '3h25m19s', 90_061: '25h1m1s', [-90]: '-1m30s' }
  for (const [seconds, text] of Object.entries(printed)) assert.equal(formatDuration(Number(seconds)), text)
})

test('a printed duration reads back', () => {
  fc.assert(fc.property(fc.integer({ min: -1e9, max: 1e9 }), (seconds) => parseSeconds(formatDuration(seconds)) === seconds))
})

test('times print as RFC 3339, without trailing zeros', () => {
  const printed = { 0: '1970-01-01T00:00:00Z', 1000: '1970-01-01T00:00:01Z', 1500: '1970-01-01T00:00:01.5Z', 10_120: '1970-01-01T00:00:10.12Z' }
  for (const [ms, text] of Object.entries(printed)) assert.equal(formatTime(Number(ms)), text)
})
