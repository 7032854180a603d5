import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import koffi from 'koffi'
import { openLocked } from './locked.ts'

test('is writable, zeroed at first, and gone once closed', () => {
  const block = openLocked(5000)
  assert.equal(block.bytes.length, 5000)
  assert.ok(block.bytes.every((byte) => byte === 0))
  block.bytes.fill(7)
  block.close()
  assert.equal(block.bytes.length, 0)
  block.close()
})

test('on Linux its pages are locked, left out of dumps and empty in a fork', { skip: process.platform !== 'linux' }, () => {
  const block = openLocked(4096)
  const flags = flagsOf(koffi.address(block.bytes))
  if (block.locked)
    assert.ok(
      ['lo', 'dd', 'wf'].every((flag) => flags.includes(flag)),
      flags.join(' '),
    )
  block.close()
})

test('many come and go', () => {
  for (let i = 0; i < 500; i++) {
    const block = openLocked(4096)
    block.bytes.fill(i)
    block.close()
  }
})

/** The kernel's flags of the mapping that holds an address. */
function flagsOf(address: bigint): string[] {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/)
  const holds = (mapping: string) => {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(mapping) ?? []
    return BigInt(`0x${from}`) <= address && address < BigInt(`0x${to}`)
  }
  return (
    mappings
      .find(holds)
      ?.match(/^VmFlags: (.*)$/m)?.[1]
      ?.split(' ') ?? []
  )
}
