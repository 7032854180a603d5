// Which requests have room kept for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePath } from '../base/path.ts'
import type { Verb } from '../contract/call.ts'
import type { Head } from './head.ts'
import { laneOf } from './lanes.ts'

const lane = (asked: string, token?: string) => {
  const [verb, path] = asked.split(' ') as [Verb, string]
  return laneOf({ verb, path: parsePath(path), query: {} }, { token } as Head)
}

test('seeing the state of the server and stopping things is vital, with or without a token', () => {
  for (const asked of [
    'read sys/health',
    'read sys/seal-status',
    'read sys/leader',
    'write sys/seal',
    'write sys/unseal',
    'write sys/step-down',
    'write auth/token/revoke',
    'write auth/token/revoke-self',
    'write auth/token/revoke-accessor',
    'write team/a/auth/token/revoke-orphan',
    'write sys/leases/revoke',
    'write sys/leases/revoke-prefix/database/creds',
    'write team/sys/leases/revoke-force/aws',
  ]) {
    assert.equal(lane(asked), 'vital', asked)
    assert.equal(lane(asked, 'token'), 'vital', asked)
  }
})

test('all else is ordinary with a token, and anonymous without', () => {
  for (const asked of [
    'read sys/healthy',
    'write sys/health',
    'read team/sys/health',
    'write sys/init',
    'read auth/token/revoke',
    'write auth/token/revoke/x',
    'write auth/userpass/login/ann',
    'read secret/data/sys/leases/revoke',
  ]) {
    assert.equal(lane(asked), 'anonymous', asked)
    assert.equal(lane(asked, 'token'), 'ordinary', asked)
  }
})
