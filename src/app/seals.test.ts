import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { silent } from '../base/log.ts'
import { folder } from '../../test/support/server.ts'
import { settableClock } from '../testing/clock.ts'
import { parseConfig } from './config/config.ts'
import { toSanitized } from './config/print.ts'
import { parseSource } from './config/read.ts'
import { openSeals } from './seals.ts'

const key = randomBytes(32).toString('hex')
const REST = 'storage "lmdb" { path = "/d" }\nlistener "tcp" { tls_disable = true }\n'
const parse = (source: string) => parseConfig([parseSource('c.hcl', REST + source)])
const seals = (source: string, env = {}) =>
  openSeals(parse(source).seals, { env, random: { bytes: randomBytes }, clock: settableClock(), log: silent })

test('none is fine, and several stand in the order of their priorities', () => {
  assert.equal(seals('').active.length, 0)
  const set = seals(`
    seal "static" {
      name = "b"
      priority = 2
      current_key_id = "1"
      current_key = "${key}"
    }
    seal "static" {
      name = "a"
      priority = "1"
      current_key_id = "1"
      current_key = "${key}"
    }
    seal "static" {
      disabled = "true"
      current_key_id = "1"
      current_key = "${key}"
    }`)
  assert.deepEqual(
    [set.active, set.disabled].map((some) => some.map(({ name }) => name)),
    [['a', 'b'], ['static']],
  )
})

test('the environment fills what a stanza leaves open, and a stanza stands', () => {
  const stanza = 'seal "transit" {\nmount_path = "transit"\naddress = "https://here"\n}'
  assert.throws(() => seals(stanza), /c\.hcl:3:\d+: seal "transit": missing token/)
  assert.equal(seals(stanza, { VAULT_TOKEN: 't', BAO_TRANSIT_SEAL_KEY_NAME: 'k', VAULT_ADDR: 'nonsense' }).active.length, 1)
})

test('secrets may lie in files and in the environment', (t) => {
  const stanza = (token: string) => `seal "transit" {\naddress = "https://here"\nkey_name = "k"\nmount_path = "transit"\ntoken = "${token}"\n}`
  const path = join(folder(t), 'token')
  writeFileSync(path, 'hvs.1\n')
  assert.equal(seals(stanza(`file://${path}`)).active.length, 1)
  assert.equal(seals(stanza('env://MINE'), { MINE: 'hvs.1' }).active.length, 1)
  assert.throws(() => seals(stanza('env://MINE')), /seal "transit": token: the environment has no MINE/)
  assert.throws(() => seals(stanza(`file://${path}2`)), /seal "transit": token: .*token2 can't be read: ENOENT/)
})

test('what is shown of a configuration has no secret, and names what is in effect', () => {
  const { config, seals: stanzas } = parse(`seal "static" {\ncurrent_key_id = "1"\ncurrent_key = "${key}"\n}`)
  assert.ok(!JSON.stringify(config).includes(key))
  assert.equal(stanzas.length, 1)
  assert.deepEqual(toSanitized(config.effect)['seals'], [{ type: 'static', config: { current_key_id: '1', current_key: '(hidden)' } }])
})

test('what is no seal is refused in words that help', () => {
  const block = (...lines: string[]) => `seal "static" {\n${lines.join('\n')}\n}`
  const cases: [string, RegExp][] = [
    ['seal "static2" {}', /c\.hcl:3:1: seal "static2" is not known; there are awskms, pkcs11, static, transit/],
    ['seal "azurekeyvault" {}', /c\.hcl:3:1: seal "azurekeyvault" is not offered; there are /],
    ['seal = "static"', /c\.hcl:3:1: "seal" must be a block/],
    [block('curent_key = "x"'), /c\.hcl:4:1: "curent_key" in seal "static" is not known; did you mean "current_key"\?/],
    [block('current_key_id = "1"'), /seal "static": missing current_key$/],
    [block('name = "a b"', 'current_key_id = "1"', `current_key = "${key}"`), /seal "static": a name is 1 to 64 letters, digits, "-" and "_"$/],
    [`${block('current_key_id = "1"', `current_key = "${key}"`)}\n`.repeat(2), /two seals are named "static"; give each a name of its own$/],
  ]
  for (const [source, message] of cases) assert.throws(() => seals(source), message, source)
})
