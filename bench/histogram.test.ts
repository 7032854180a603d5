// Proves that the histogram's quantiles stay within one bucket of the exact ones.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from './histogram.ts'

test('nothing recorded reads as zero', () => {
  assert.equal(new Histogram().quantile(0.99), 0)
})

test('small values are exact', () => {
  const histogram = new Histogram()
  for (let value = 1; value <= 200; value++) histogram.record(value)
  assert.equal(histogram.total, 200)
  assert.equal(histogram.quantile(0.5), 100)
  assert.equal(histogram.quantile(1), 200)
})

test('every power of two and its neighbours come back within 1 %', () => {
  for (let exponent = 1; exponent < 31; exponent++) {
    for (const value of [2 ** exponent - 1, 2 ** exponent, 2 ** exponent + 1]) {
      const histogram = new Histogram()
      histogram.record(value)
      const read = histogram.quantile(0.5)
      assert.ok(read >= value && read <= value * 1.01, `${value} came back as ${read}`)
    }
  }
})

test('quantiles of a long tail match the sorted values', () => {
  const histogram = new Histogram()
  const values = Array.from({ length: 10_000 }, (_, i) => Math.round(100 * 1.0013 ** i))
  for (const value of values) histogram.record(value)
  for (const fraction of [0.5, 0.9, 0.99, 0.999]) {
    const exact = values[Math.ceil(fraction * values.length) - 1] ?? 0
    const read = histogram.quantile(fraction)
    assert.ok(read >= exact && read <= exact * 1.01, `${fraction}: ${exact} came back as ${read}`)
  }
})

test('what is too long to count is the longest countable', () => {
  const histogram = new Histogram()
  histogram.record(1e12)
  assert.equal(histogram.quantile(1), 2 ** 31 - 1)
})
