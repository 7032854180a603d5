import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSpecialAddress } from './special-addresses.ts'

test('addresses of this machine, its link, of many and of nobody are special, however they are written', () => {
  const special = ['127.0.0.1', '127.255.0.9', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1']
  const more = ['::127.0.0.1', 'fe80::1%eth0', 'ff02::1', 'fd00:ec2::254', '64:ff9b::7f00:1', '2002:7f00:1::', '', 'x', '127.1', '1.2.3.4.5']
  for (const one of [...special, ...more]) assert.equal(isSpecialAddress(one), true, one)
  for (const one of ['10.0.0.1', '192.168.1.1', '172.16.0.1', '8.8.8.8', '2001:db8::1', 'fd12::1']) assert.equal(isSpecialAddress(one), false, one)
})
