// Proves that the table compares medians and ratios of the same round.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sample } from './measure.ts'
import { median, toTable } from './table.ts'

function sample(perSecond: number, firstError?: string): Sample {
  const errors = firstError === undefined ? 0 : 1
  const unknown = { cpuMicrosecondsPerRequest: undefined, rssBytes: undefined, pssBytes: undefined }
  return { perSecond, p50: 1, p99: 2, p999: 3, errors, firstError, ...unknown, driverCpu: 0.5 }
}

test('medians', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(median([]), undefined)
})

test('two servers, their ratio and its range', () => {
  const servers = [
    { name: 'a', samples: [sample(100), sample(400), sample(300)] },
    { name: 'b', samples: [sample(100), sample(200), sample(100, '503 sealed')] },
  ]
  const lines = toTable([{ scenario: 'kv2-read', connections: 32, servers }]).split('\n')
  const words = (line: number): string[] => (lines[line] ?? '').trim().split(/ {2,}/)
  assert.deepEqual(words(1).slice(0, 4), ['kv2-read', '32', 'a', '300'])
  assert.deepEqual(words(2).slice(0, 4), ['kv2-read', '32', 'b', '100'])
  assert.equal(words(2).at(-1), '1')
  assert.deepEqual(words(3).slice(0, 2), ['a ÷ b', '×2.00'])
  assert.deepEqual(words(4).slice(0, 2), ['range of rounds', '1.00-3.00'])
  assert.match(lines.at(-2) ?? '', /first error of b, kv2-read, 32 connections: 503 sealed/)
})

test('one server alone has no ratio', () => {
  const table = toTable([{ scenario: 'kv2-read', connections: 1, servers: [{ name: 'a', samples: [sample(1)] }] }])
  assert.equal(table.trim().split('\n').length, 2)
})
