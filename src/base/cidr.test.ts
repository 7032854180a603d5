// Address blocks against tables and against Node's own matcher.
import assert from 'node:assert/strict'
import { BlockList, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { cidrContains, cidrsWithin, formatCidr, networkOf, parseCidr } from './cidr.ts'

const PRINTED: readonly (readonly [text: string, printed: string])[] = [
  ['10.0.0.0/8', '10.0.0.0/8'],
  ['10.1.2.3/8', '10.1.2.3/8'],
  ['10.0.0.1', '10.0.0.1'],
  ['10.0.0.1/32', '10.0.0.1'],
  ['0.0.0.0/0', '0.0.0.0/0'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8::/32', '2001:db8::/32'],
  ['::', '::'],
  ['::/0', '::/0'],
  ['::1/128', '::1'],
  ['1::', '1::'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['10:0:0:10:0:0:0:1', '10:0:0:10::1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.0/104', '10.0.0.0/8'],
]

test('blocks are parsed and printed in their short form', () => {
  for (const [text, printed] of PRINTED) assert.equal(formatCidr(parseCidr(text)), printed, text)
})

const REFUSED = [
  ...['', '/', '10', '10.0.0', '10.0.0.0.0', '010.0.0.0/8', '256.0.0.0', '10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/a'],
  ...[
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '::12345',
    '::/129',
    '::1.2.3',
    'fe80::1%eth0/64',
    '1:2:3:4:5:6:7:8::',
    '::ffff:10.0.0.0/8',
    ' 10.0.0.1',
  ],
  ...['localhost', '/run/socket', '10.0.0.1:80', '１０.0.0.1'],
]

test('what is no block is refused', () => {
  for (const text of REFUSED) assert.throws(() => parseCidr(text), { code: 'invalid', message: `invalid CIDR address: ${text}` })
})

test('membership', () => {
  const cases: readonly (readonly [list: string[], address: string, inside: boolean])[] = [
    [['10.0.0.0/8'], '10.255.0.1', true],
    [['10.0.0.0/8'], '11.0.0.1', false],
    [['10.1.2.3/8'], '10.9.9.9', true],
    [['10.0.0.0/8'], '::ffff:10.0.0.1', true],
    [['::/0'], '10.0.0.1', false],
    [['0.0.0.0/0'], '::1', false],
    [['0.0.0.0/0'], '255.255.255.255', true],
    [['fe80::/10'], 'fe80::1%eth0', true],
    [['192.0.2.1', '2001:db8::/32'], '2001:db8:ffff::', true],
    [[], '10.0.0.1', false],
    [['10.0.0.0/8'], '', false],
    [['10.0.0.0/8'], 'unix', false],
    [['rubbish'], '10.0.0.1', false],
  ]
  for (const [list, address, inside] of cases) assert.equal(cidrContains(list, address), inside, `${list} ${address}`)
})

test('a block lies within another', () => {
  assert.equal(cidrsWithin(['10.1.0.0/16', '192.0.2.1'], ['10.0.0.0/8', '192.0.2.0/24']), true)
  assert.equal(cidrsWithin(['10.0.0.0/7'], ['10.0.0.0/8']), false)
  assert.equal(cidrsWithin(['2001:db8::/48'], ['2001:db8::/32']), true)
  assert.equal(cidrsWithin(['10.0.0.0/8'], ['::/0']), false)
  assert.equal(cidrsWithin(['10.0.0.1'], []), false)
})

test('membership agrees with the runtime for random blocks and addresses', () => {
  // Few distinct leading bytes, so that many pairs match.
  const v4 = fc.array(fc.constantFrom(0, 10, 127, 255), { minLength: 4, maxLength: 4 }).map((parts) => parts.join('.'))
  const groups = fc.array(fc.constantFrom(0, 1, 0xdb8, 0xffff), { minLength: 8, maxLength: 8 })
  // An IPv4 address written as one of IPv6 is one of IPv4 here, which the runtime sees otherwise.
  const v6 = groups.map((parts) => parts.map((n) => n.toString(16)).join(':')).filter((text) => !text.startsWith('0:0:0:0:0:ffff:'))
  const pair = fc.oneof(fc.tuple(v4, v4, fc.nat(32)), fc.tuple(v6, v6, fc.nat(128)))
  fc.assert(
    fc.property(pair, ([base, address, bits]) => {
      const list = new BlockList()
      const family = isIPv6(base) ? 'ipv6' : 'ipv4'
      list.addSubnet(base, bits, family)
      assert.equal(cidrContains([`${base}/${bits}`], address), list.check(address, family))
      assert.equal(formatCidr(parseCidr(formatCidr(parseCidr(`${base}/${bits}`)))), formatCidr(parseCidr(`${base}/${bits}`)))
    }),
    { numRuns: 500 },
  )
})

test('an address of IPv6 stands for its network', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
    ['2001:db8:0:1::', '2001:db8:0:1::/64'],
    ['fe80::1%eth0', 'fe80::/64'],
    ['::1', '::/64'],
    ['no:address', 'no:address'],
    ['', ''],
  ] as const) {
    assert.equal(networkOf(address), network)
  }
})
