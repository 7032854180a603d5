// Whoever has no token and no key share changes nothing. The class of CVE-2025-4656, CVE-2025-52894 and CVE-2026-5807 (rekeys and
// root token generations cancelled by anyone) and CVE-2021-3282 (raft peers removed by anyone).
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import type { JsonObject } from '../../src/base/json.ts'
import type { Module, OpVerb } from '../../src/contract/module.ts'
import { builtIn } from '../../src/modules.ts'
import { systemModule } from '../../src/sys/system.ts'
import { openWorld, type World } from '../../src/testing/world.ts'
import { tokenModule } from '../../src/token/module.ts'

interface Open {
  readonly at: string
  readonly verb: OpVerb
}

/** Stands for every room: declarations are made from it, and none of them is called. */
const anything: any = new Proxy(() => anything, { get: (_, name) => (name === Symbol.iterator ? [][Symbol.iterator] : anything) })

function openOps(prefix: string, module: Module): Open[] {
  return module.paths.flatMap(({ template, ops }) =>
    Object.entries(ops).flatMap(([verb, op]) =>
      op.access === 'open' || op.access === 'share' || op.always ? [{ at: prefix + template, verb: verb as OpVerb }] : [],
    ),
  )
}

const { kinds, moduleOf } = builtIn({ passwords: anything, lockoutRule: anything, spiffe: anything, trust: anything })
const mounted = kinds.flatMap((kind) => {
  const [of, type] = kind.split('/') as ['secret' | 'auth', string]
  return [undefined, { version: '2' }].flatMap((options) => {
    const module = moduleOf({ class: of, type, options })
    return module ? openOps(of === 'auth' ? `auth/${type}/` : `${type}/`, module) : []
  })
})
const all = [...openOps('sys/', systemModule(stubs())), ...openOps('auth/token/', tokenModule(anything)), ...mounted]

function stubs(): any {
  return new Proxy({}, { get: (_, name) => (name === 'more' ? [] : anything) })
}

const named = ({ verb, at }: Open) => `${verb} ${at}`
const open = [...new Set(all.map(named))].sort()
/** The connection of an operator or an administrator's SVID is the right, which the door of each proves (src/spiffe/administrators.ts). */
const administrative = open.filter((one) => one.includes(' spiffe/admin/'))

/** What is there to change something, and by what right. */
const CHANGING: Readonly<Record<string, string>> = {
  'write sys/init': 'there is nobody yet who could have a token; done once',
  'write sys/unseal': 'the shares are the right',
  'write auth/userpass/login/:username': 'the password is the right',
  'write auth/approle/login': 'the secret ID is the right',
  'write auth/spiffe/login': 'the SVID is the right',
  'write spiffe/agent/attest': 'the evidence of the node is the right',
  'write spiffe/agent/renew': 'the SVID of the connection is the right',
  'write spiffe/agent/status': 'the SVID of the connection is the right',
  'write spiffe/downstream/jwt-authority': 'the SVID of the connection is the right',
  'write spiffe/downstream/wit-authority': 'the SVID of the connection is the right',
}

test('the operations that need no token are these, so that a new one is thought about', () => {
  const others = open.filter((one) => !administrative.includes(one))
  assert.deepEqual(others, [
    'delete sys/generate-root',
    'delete sys/generate-root/attempt',
    'delete sys/rekey-recovery-key/init',
    'delete sys/rekey-recovery-key/verify',
    'delete sys/rekey/init',
    'delete sys/rekey/verify',
    'read spiffe/.well-known/openid-configuration',
    'read spiffe/agent/bundle',
    'read spiffe/agent/bundles/:trust_domain',
    'read spiffe/agent/crls',
    'read spiffe/agent/entries',
    'read spiffe/bundle',
    'read spiffe/crl',
    'read spiffe/crl/:authority_id',
    'read spiffe/keys',
    'read spiffe/trust-domain',
    'read sys/generate-root',
    'read sys/generate-root/attempt',
    'read sys/health',
    'read sys/init',
    'read sys/internal/ui/mounts',
    'read sys/internal/ui/mounts/*path',
    'read sys/internal/ui/namespaces',
    'read sys/leader',
    'read sys/rekey-recovery-key/init',
    'read sys/rekey-recovery-key/verify',
    'read sys/rekey/init',
    'read sys/rekey/verify',
    'read sys/replication/:kind/status',
    'read sys/replication/status',
    'read sys/seal-backend-status',
    'read sys/seal-status',
    'read sys/wrapping/lookup',
    'write auth/approle/login',
    'write auth/spiffe/login',
    'write auth/userpass/login/:username',
    'write spiffe/agent/attest',
    'write spiffe/agent/entries',
    'write spiffe/agent/jwt-svid',
    'write spiffe/agent/renew',
    'write spiffe/agent/status',
    'write spiffe/agent/svids',
    'write spiffe/agent/watch',
    'write spiffe/agent/wit-svids',
    'write spiffe/downstream/jwt-authority',
    'write spiffe/downstream/wit-authority',
    'write spiffe/downstream/x509-ca',
    'write sys/decode-token',
    'write sys/generate-root',
    'write sys/generate-root/attempt',
    'write sys/generate-root/update',
    'write sys/init',
    'write sys/rekey-recovery-key/init',
    'write sys/rekey-recovery-key/update',
    'write sys/rekey-recovery-key/verify',
    'write sys/rekey/init',
    'write sys/rekey/update',
    'write sys/rekey/verify',
    'write sys/unseal',
    'write sys/wrapping/lookup',
  ])
})

/** A world where there is something to disturb: a rekey and a root token under way, or neither. */
async function busy(begun: boolean): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
  await world.ok('write', 'sys/auth/approle', { type: 'approle' })
  await world.ok('write', 'sys/auth/spiffe', { type: 'spiffe' })
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  if (!begun) return world
  const { nonce } = await world.ok('write', 'sys/rekey/init', { secret_shares: 2, secret_threshold: 2, require_verification: true })
  await world.ok('write', 'sys/rekey/update', { nonce, key: world.share.toString('hex') })
  await world.ok('write', 'sys/generate-root/attempt')
  return world
}

const guess = randomBytes(32).toString('hex')
const BODIES: readonly JsonObject[] = [
  {},
  { key: guess },
  { key: guess, secret_shares: 1, secret_threshold: 1, nonce: 'x', otp: 'o'.repeat(28) },
  { key: guess.slice(2), reset: true, migrate: true },
  { token: 'hvs.guess', encoded_token: 'AAAA', otp: 'bbb', path: 'sys' },
]

/** All that is stored, except what counts the attempts. */
const stored = ({ store }: World) => Array.from(store.range({ prefix: '' }), ({ key, revision }) => `${key}@${revision}`)

async function assertInert(world: World, op: string, token: string): Promise<void> {
  const [verb, path] = op.replace(/[:*]\w+/, 'some').split(' ') as [OpVerb, string]
  const before = stored(world)
  for (const data of BODIES) {
    const body = Buffer.from(JSON.stringify(data))
    const { status } = await world.call(verb, path, verb === 'read' ? (data as never) : {}, { token, ...(verb === 'read' ? {} : { body }) })
    assert.ok(status < 500, `${op} answers ${status} to ${JSON.stringify(data)}`)
  }
  assert.deepEqual(stored(world), before, op)
  assert.equal(world.keyring.sealed, false)
}

for (const begun of [false, true]) {
  describe(begun ? 'while a rekey and a root token are under way' : 'with nothing under way', async () => {
    const world = await busy(begun)
    const { auth } = await world.ok('write', 'auth/token/create', { policies: ['default'] })
    for (const op of open.filter((one) => CHANGING[one] === undefined)) {
      test(op, async () => {
        for (const token of ['', 'hvs.wrong', auth.client_token]) await assertInert(world, op, token)
      })
    }
  })
}

test('what is there to change something, changes nothing for those without the right', async () => {
  const world = await busy(true)
  for (const op of Object.keys(CHANGING)) await assertInert(world, op, '')
})
