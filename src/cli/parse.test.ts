// How arguments, flags and the environment are read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { also, bool, choice, duration, int, list, oneOf, or, orEnv, pairs, text } from './flag.ts'
import { parseArgs } from './parse.ts'

const declared = {
  name: orEnv(or(text('A name.'), 'none'), 'NAME'),
  count: also(int('A number.'), 'n'),
  force: also(bool('A switch.'), 'f'),
  maybe: choice('A switch that tells unset from off.'),
  ttl: duration('A duration.'),
  policy: list('Some names.'),
  meta: pairs('Some pairs.'),
  level: oneOf(text('A level.'), 'low', 'high'),
}
const parse = (line: string, env: Record<string, string> = {}) => parseArgs(declared, line === '' ? [] : line.split(' '), env)

const blank = { name: 'none', count: undefined, force: false, maybe: undefined, ttl: undefined, policy: [], meta: undefined, level: undefined }

for (const [line, flags, args] of [
  ['', {}, []],
  ['-name=x a b', { name: 'x' }, ['a', 'b']],
  ['--name x a', { name: 'x' }, ['a']],
  ['a -name x b -n=3', { name: 'x', count: 3 }, ['a', 'b']],
  ['-name= a', { name: '' }, ['a']],
  ['-name=a=b', { name: 'a=b' }, []],
  ['-force a', { force: true }, ['a']],
  ['-f=false -maybe=0', { force: false, maybe: false }, []],
  ['-ttl=1h30m', { ttl: 5400 }, []],
  ['-ttl 90', { ttl: 90 }, []],
  ['-ttl=system', { ttl: -1 }, []],
  ['-policy=a -policy b', { policy: ['a', 'b'] }, []],
  ['-meta=a=1 -meta=b=x=y', { meta: { a: '1', b: 'x=y' } }, []],
  ['-level=HIGH', { level: 'high' }, []],
  ['a -', {}, ['a', '-']],
  ['a -- -name=x --', {}, ['a', '-name=x', '--']],
  ['k=-v', {}, ['k=-v']],
] as const) {
  test(`reads "${line}"`, () => assert.deepEqual(parse(line), { args, flags: { ...blank, ...flags } }))
}

for (const [line, message, hint] of [
  ['-nmae=x', 'flag provided but not defined: -nmae', 'did you mean -name?'],
  ['a -qqqqqqqq', 'flag provided but not defined: -qqqqqqqq', 'an argument that begins with "-" goes after "--"'],
  ['-name', 'flag needs an argument: -name', undefined],
  ['-count=x', 'invalid value "x" for flag -count: must be a whole number', undefined],
  ['-force=x', 'invalid value "x" for flag -force: must be true or false', undefined],
  ['-ttl=bad', 'invalid value "bad" for flag -ttl: time: invalid duration "bad"', undefined],
  ['-meta=x', 'invalid value "x" for flag -meta: missing = in KV pair: "x"', undefined],
  ['-level=mid', 'invalid value "mid" for flag -level: must be one of low, high', undefined],
  ['---name', 'bad flag syntax: ---name', undefined],
  ['-=x', 'bad flag syntax: -=x', undefined],
] as const) {
  test(`refuses "${line}"`, () => {
    assert.throws(() => parse(line), { message, exitCode: 1, hints: hint === undefined ? [] : [hint] })
  })
}

for (const [title, line, env, name] of [
  ['a flag over the environment', '-name=flag', { SIGNET_NAME: 'ours', VAULT_NAME: 'theirs' }, 'flag'],
  ['that of OpenBao over that of Vault', '', { BAO_NAME: 'bao', VAULT_NAME: 'theirs' }, 'bao'],
  ['our variable over that of OpenBao', '', { SIGNET_NAME: 'ours', BAO_NAME: 'bao' }, 'ours'],
  ['our variable over that of Vault', '', { SIGNET_NAME: 'ours', VAULT_NAME: 'theirs' }, 'ours'],
  ["Vault's variable alone", '', { VAULT_NAME: 'theirs' }, 'theirs'],
  ['our blank variable, which hides that of Vault', '', { SIGNET_NAME: '', VAULT_NAME: 'theirs' }, 'none'],
  ['nothing', '', {}, 'none'],
] as const) {
  test(`takes ${title}`, () => assert.equal(parse(line, env).flags.name, name))
}
