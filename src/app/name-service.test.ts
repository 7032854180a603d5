import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { handTimers, settableClock } from '../testing/clock.ts'
import { until } from '../testing/until.ts'
import { type LookUp, remembering, systemNames } from './name-service.ts'

/** The first line of a file of accounts. */
const [user, group] = ['/etc/passwd', '/etc/group'].map((path) => readFileSync(path, 'utf8').split('\n')[0]?.split(':') ?? []) as [string[], string[]]

test('the system knows its own users and groups, and says where there is none', async () => {
  const { userOf, groupOf } = systemNames()
  assert.equal(await userOf(Number(user[2])), user[0])
  assert.equal(await groupOf(Number(group[2])), group[0])
  assert.deepEqual(await Promise.all([userOf(4_000_000_001), groupOf(4_000_000_001)]), [undefined, undefined])
})

describe('a name service that is remembered', () => {
  function open() {
    const clock = settableClock()
    const timers = handTimers()
    const asked: string[] = []
    const service = { answer: (async (id) => `n${id}`) as LookUp }
    const lookUp =
      (kind: string): LookUp =>
      (id) => {
        asked.push(`${kind}${id}`)
        return service.answer(id)
      }
    const names = remembering({ userOf: lookUp('u'), groupOf: lookUp('g') }, { clock, timers })
    return { clock, timers, asked, service, ...names }
  }

  test('is asked once for a while, for users and groups apart', async () => {
    const { userOf, groupOf, asked, clock } = open()
    assert.deepEqual(await Promise.all([userOf(1), userOf(1), groupOf(1)]), ['n1', 'n1', 'n1'])
    await userOf(1)
    assert.deepEqual(asked, ['u1', 'g1'])
    clock.advance(60_000)
    await userOf(1)
    assert.deepEqual(asked, ['u1', 'g1', 'u1'])
  })

  test('that there is no name is remembered too', async () => {
    const { userOf, asked, service } = open()
    service.answer = async () => undefined
    assert.deepEqual([await userOf(1), await userOf(1), asked], [undefined, undefined, ['u1']])
  })

  test('the last name counts where it fails; nobody has one where it always did', async () => {
    const { userOf, clock, service } = open()
    await userOf(1)
    service.answer = () => Promise.reject(new Error('the directory is away'))
    clock.advance(60_000)
    assert.deepEqual([await userOf(1), await userOf(2)], ['n1', undefined])
    service.answer = async () => 'other'
    assert.deepEqual([await userOf(1), await userOf(2)], ['other', 'other'])
  })

  test('one that hangs is waited for a while, and then by nobody, until it answers', async () => {
    const { userOf, groupOf, clock, timers, service, asked } = open()
    await userOf(1)
    clock.advance(60_000)
    const { promise, resolve } = Promise.withResolvers<string>()
    service.answer = () => promise
    const waits = userOf(1)
    await until('it is asked', () => asked.length === 2)
    timers.fire(2_000)
    assert.equal(await waits, 'n1')
    assert.deepEqual([await userOf(1), await groupOf(7)], ['n1', undefined]) // at once: no timer runs
    assert.equal(asked.length, 2) // one at a time
    resolve('late')
    service.answer = async (id) => `m${id}`
    await until('it is believed', async () => (await userOf(1)) === 'late' && (await groupOf(7)) === 'm7')
  })
})
