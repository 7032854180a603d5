import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { decodeMessage, encodeCall } from './dbus.ts'

/** A method return to call 2, with the text "web.service" in a variant, as another implementation writes it. */
const ANSWER =
  '6c02010114000000050000001f00000005017500020000000601730004000000' + '3a312e31000000000801670001760000017300000b0000007765622e73657276' + '69636500'

const whole = () => Buffer.from(ANSWER, 'hex')

describe('D-Bus messages', () => {
  test('an answer is read, as soon as it is whole', () => {
    const found = decodeMessage(whole())
    assert.deepEqual(found?.message, { replyTo: 2, error: undefined, text: 'web.service' })
    assert.equal(found?.end, whole().length)
    for (let size = 0; size < whole().length; size++) assert.equal(decodeMessage(whole().subarray(0, size)), undefined)
    assert.equal(decodeMessage(Buffer.concat([whole(), Buffer.from('more')]))?.end, whole().length)
  })

  test('a call is a message, too', () => {
    const call = encodeCall(7, { destination: 'a.b', path: '/c', interface: 'd.e', member: 'F', args: ['text', 4242] })
    assert.deepEqual(decodeMessage(call), { message: { replyTo: undefined, error: undefined, text: 'text' }, end: call.length })
    assert.equal(decodeMessage(encodeCall(1, { destination: 'a.b', path: '/c', interface: 'd.e', member: 'F', args: [] }))?.message.text, undefined)
  })

  test('other byte orders and absurd sizes are refused', () => {
    const big = whole()
    big[0] = 'B'.charCodeAt(0)
    assert.throws(() => decodeMessage(big), /another byte order/)
    const huge = whole()
    huge.writeUInt32LE(0x7fffffff, 4)
    assert.throws(() => decodeMessage(huge), /too large/)
  })

  test('garbage is refused or read, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        try {
          decodeMessage(Buffer.from([0x6c, ...bytes]))
        } catch (error) {
          assert.ok(error instanceof Error)
        }
      }),
    )
  })
})
