// Whom a proxy may speak for, and which address of the chain is the client's.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientBehind, type Forwarding } from './forwarded.ts'

const BASE: Forwarding = { authorized: ['10.0.0.0/8', 'fd00::/8'], hopSkips: 0, rejectNotPresent: true, rejectNotAuthorized: true }

function ask(from: string, headers: readonly string[], more: Partial<Forwarding> = {}): string {
  const raw = headers.flatMap((value) => ['X-Forwarded-For', value])
  try {
    return clientBehind({ address: from, port: 7 }, ['Host', 'x', ...raw], { ...BASE, ...more }).address
  } catch (error) {
    return (error as Error).message
  }
}

test('the last address is the client, unless some are skipped', () => {
  const chain = '1.2.3.4, 2.3.4.5, 3.4.5.6,4.5.6.7'
  assert.equal(ask('10.0.0.1', [chain]), '4.5.6.7')
  assert.equal(ask('10.0.0.1', [chain], { hopSkips: 1 }), '3.4.5.6')
  assert.equal(ask('10.0.0.1', ['1.2.3.4', '2.3.4.5']), '2.3.4.5', 'several headers are one list')
  assert.equal(ask('10.0.0.1', ['1.2.3.4', '2.3.4.5'], { hopSkips: 1 }), '1.2.3.4')
  assert.equal(ask('fd00::1', ['2001:DB8:0:0::1']), '2001:db8::1')
  assert.equal(ask('::ffff:10.0.0.1', ['::ffff:1.2.3.4']), '1.2.3.4')
})

test('some proxies add a port', () => {
  assert.equal(ask('10.0.0.1', ['1.2.3.4:56']), '1.2.3.4')
  assert.equal(ask('10.0.0.1', ['[2001:db8::1]:56']), '2001:db8::1')
  assert.equal(ask('10.0.0.1', ['[2001:db8::1]']), '2001:db8::1')
})

test('who is not authorised is refused, or is who it is', () => {
  assert.equal(ask('11.0.0.1', ['1.2.3.4']), 'client address not authorized for x-forwarded-for and configured to reject connection')
  assert.equal(ask('11.0.0.1', ['1.2.3.4'], { rejectNotAuthorized: false }), '11.0.0.1')
})

test('without the header a request is refused, or its connection’s', () => {
  assert.equal(ask('10.0.0.1', []), 'missing x-forwarded-for header and configured to reject when not present')
  assert.equal(ask('10.0.0.1', [], { rejectNotPresent: false }), '10.0.0.1')
  assert.equal(ask('11.0.0.1', [], { rejectNotPresent: false }), '11.0.0.1')
})

test('a chain that is too short, or names no address, is refused', () => {
  const skips = 'malformed x-forwarded-for configuration or request, hops to skip (2) would skip before earliest chain link (chain length 2)'
  assert.equal(ask('10.0.0.1', ['1.2.3.4, 2.3.4.5'], { hopSkips: 2 }), skips)
  for (const hop of ['', 'unknown', '1.2.3', '1.2.3.4/8', '1.2.3.4:', '<script>', '[1.2.3.4', '01.2.3.4', '2001:db8::1:56:78:9:0:1:2']) {
    assert.equal(ask('10.0.0.1', [hop]), 'malformed x-forwarded-for header: it names no address', hop)
  }
})
