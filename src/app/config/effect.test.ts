// What a configuration comes to: printed, for programs, and when it is read again while the server runs.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Config, parseConfig } from './config.ts'
import { printHcl, toSanitized } from './print.ts'
import { parseSource } from './read.ts'
import { reloadConfig } from './reload.ts'
import { readStanza, wholeOf } from './stanza.ts'
import { secret, text } from '../../base/fields.ts'

const BASE = 'storage "lmdb" { path = "/data" }\n'
const tls = (cert: string, more = '') => `listener "tcp" {\n tls_cert_file = "${cert}"\n tls_key_file = "/k"\n${more}}\n`

function parse(text: string): Config {
  return parseConfig([parseSource('1.hcl', text)]).config
}

test('printed HCL says the same again, with defaults', () => {
  const { effect } = parse(`${BASE}${tls('/c')}workers = 2`)
  const printed = printHcl(effect)
  assert.equal(
    printed,
    `log_level         = "info"
log_format        = "standard"
default_lease_ttl = 2764800
max_lease_ttl     = 2764800
workers           = 2

storage "lmdb" {
  path = "/data"
}

listener "tcp" {
  address         = "127.0.0.1:8200"
  tls_disable     = false
  tls_cert_file   = "/c"
  tls_key_file    = "/k"
  tls_min_version = "tls12"
}`,
  )
  assert.equal(printHcl(parse(printed).effect), printed)
})

test('for programs, as Vault shows its own', () => {
  assert.deepEqual(toSanitized(parse(`${BASE}listener "tcp" { tls_disable = true }`).effect), {
    log_level: 'info',
    log_format: 'standard',
    default_lease_ttl: 2_764_800,
    max_lease_ttl: 2_764_800,
    storage: { type: 'lmdb', path: '/data' },
    listeners: [{ type: 'tcp', config: { address: '127.0.0.1:8200', tls_disable: true, tls_min_version: 'tls12' } }],
    seals: [{ type: 'shamir', config: {} }],
  })
})

test('the log level and certificates take effect at once; the rest is said to wait', () => {
  const before = parse(BASE + tls('/c'))
  const { config, waiting } = reloadConfig(before, parse(`${BASE}${tls('/new')}log_level = "debug"\nmax_lease_ttl = "999h"\nworkers = 9`))
  assert.deepEqual([config.logLevel, config.listeners[0]?.tls?.certFile], ['debug', '/new'])
  assert.deepEqual([config.maxLeaseTtl, config.workers], [before.maxLeaseTtl, undefined])
  assert.deepEqual([...waiting].sort(), ['max_lease_ttl', 'workers'])
})

test('headers of a listener take effect at once, and what is shown follows', () => {
  const headers = 'custom_response_headers { default = { "X-Site" = ["a"] } }\n'
  const shown = ({ effect }: Config) => JSON.stringify(toSanitized(effect))
  const before = parse(BASE + tls('/c'))
  const given = reloadConfig(before, parse(`${BASE}${tls('/c', headers)}log_level = "warn"`))
  assert.deepEqual([given.config.listeners[0]?.headers, given.waiting], [{ default: { 'X-Site': 'a' } }, []])
  assert.match(shown(given.config), /X-Site.*/)
  assert.match(shown(given.config), /"log_level":"warn"/)
  const taken = reloadConfig(given.config, before)
  assert.deepEqual([taken.config.listeners, taken.waiting, shown(taken.config)], [before.listeners, [], shown(before)])
})

test('a listener that moved, or that speaks otherwise, waits as a whole', () => {
  const before = parse(BASE + tls('/c'))
  for (const changed of [tls('/new', ' address = ":1"\n'), 'listener "tcp" { tls_disable = true }', tls('/new', ' max_request_size = 5\n')]) {
    assert.deepEqual(reloadConfig(before, parse(BASE + changed)).waiting, ['listener'])
  }
  assert.deepEqual(reloadConfig(before, before).waiting, [])
})

test('a secret is hidden, and where it lies is not', () => {
  const table = { keys: { token: secret(text('A token.')), key: secret(text('A key.')) } }
  const whole = wholeOf([parseSource('1.hcl', 'token = "canary"\nkey = "env://KEY"')], () => {})
  assert.equal(readStanza(whole, table).values.token, 'canary')
  assert.equal(printHcl(whole.effect), 'token = "(hidden)"\nkey   = "env://KEY"')
})
