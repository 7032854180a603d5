// Whatever a client sends or is given, to whatever path there is, none of it stands in an audit record in clear.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../base/json.ts'
import type { Verb } from '../contract/call.ts'
import { openWorld, type Said, type World } from '../testing/world.ts'

const FILE = '/audit.log'
const CANARY = 'Canary-7f3c-Sings'

interface Operation {
  readonly verb: Verb
  readonly path: string
  readonly fields: readonly string[]
}

/** What would end the test: it seals the server, or is answered without audit. And questions about paths, whose answers have them as keys. */
const APART = /^\/sys\/(?:seal|unseal|init|health|seal-status|leader|step-down|capabilities(?:-self|-accessor)?)\b/
const VERBS: Readonly<Record<string, Verb>> = { get: 'read', post: 'write', put: 'write', patch: 'patch', delete: 'delete' }

/** Every operation that is declared, of every module, by the document that the declarations make. */
async function operations(world: World): Promise<Operation[]> {
  const { paths, components } = await world.ok('read', 'sys/internal/specs/openapi')
  return Object.entries<any>(paths)
    .filter(([path]) => !APART.test(path))
    .flatMap(([path, item]) =>
      Object.entries<any>(item).flatMap(([method, operation]) => {
        const verb = VERBS[method]
        if (!verb) return []
        return [{ verb, path: path.slice(1).replace(/\{(\w+)\}/g, 'named-$1'), fields: fieldsOf(operation, item, components) }]
      }),
    )
}

function fieldsOf(operation: any, item: any, components: any): string[] {
  const schema = operation.requestBody?.content?.['application/json']?.schema ?? {}
  const resolved = schema.$ref ? components?.schemas?.[schema.$ref.split('/').at(-1)] : schema
  const query = [...(operation.parameters ?? []), ...(item.parameters ?? [])].filter((one: any) => one.in === 'query').map((one: any) => one.name)
  return [...Object.keys(resolved?.properties ?? {}), ...query]
}

async function opened(): Promise<World> {
  const world = await openWorld()
  await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: FILE } })
  await world.ok('write', 'sys/mounts/kv1', { type: 'kv', options: { version: '1' } })
  await world.ok('write', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } })
  await world.ok('write', 'sys/auth/userpass', { type: 'userpass' })
  await world.ok('write', 'sys/auth/approle', { type: 'approle' })
  return world
}

/** The fields of an operation, all with one value, and some that it does not have. */
function filled({ fields }: Operation, value: JsonObject[string]): JsonObject {
  return Object.fromEntries([...fields, 'data', 'undeclared'].map((name) => [name, value]))
}

test('what is sent, in every field of every operation, in a header, a token or a broken body', async () => {
  const world = await opened()
  const all = await operations(world)
  assert.ok(all.length > 80, `${all.length} operations`)
  const values: JsonObject[string][] = [CANARY, `${CANARY},${CANARY}`, [CANARY], { [`key`]: CANARY, deep: { list: [CANARY, { a: CANARY }] } }]
  let seen = 0
  for (const operation of all) {
    for (const value of values) {
      await world.call(operation.verb, operation.path, filled(operation, value), { headers: ['X-Secret', CANARY], token: world.rootToken })
    }
    await world.call(operation.verb, operation.path, filled(operation, CANARY), { token: `hvs.${CANARY}` })
    if (operation.verb === 'write') await world.call('write', operation.path, {}, { body: Buffer.from(`{"a":"${CANARY}`) })
    const text = world.files.text(FILE)
    const lines = text.slice(seen)
    assert.ok(lines.length > 0)
    seen = text.length
    assert.equal(lines.includes(CANARY), false, `${operation.verb} ${operation.path}: ${lines.split('\n').find((line) => line.includes(CANARY))}`)
  }
})

/** Names under which answers give what opens something. */
const GIVEN = new Set(['client_token', 'accessor', 'token', 'secret_id', 'secret_id_accessor', 'role_id', 'wrapped_accessor', 'password', 'id'])

function given(value: unknown, name = ''): string[] {
  if (typeof value === 'string') return GIVEN.has(name) && value.length >= 16 && !/^[a-z_]+_[0-9a-f]{8}$/.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => given(inner, Array.isArray(value) ? name : key))
}

test('what is given: tokens, accessors, secret ids, wrapped or not', async () => {
  const world = await opened()
  const seen: string[] = [world.rootToken]
  const note = ({ body }: Said): any => {
    seen.push(...given(body))
    return body
  }
  const call = async (verb: Verb, path: string, data: JsonObject = {}, more: object = {}) => note(await world.call(verb, path, data, more))
  await call('write', 'auth/userpass/users/ann', { password: CANARY })
  await call('write', 'auth/userpass/login/ann', { password: CANARY }, { token: '' })
  await call('write', 'auth/approle/role/web', { token_policies: 'default' })
  const role = await call('read', 'auth/approle/role/web/role-id')
  const secret = await call('write', 'auth/approle/role/web/secret-id', {})
  const { auth } = await call('write', 'auth/approle/login', { role_id: role.data.role_id, secret_id: secret.data.secret_id }, { token: '' })
  await call('read', 'auth/token/lookup-self', {}, { token: auth.client_token })
  await call('write', 'auth/token/lookup', { token: auth.client_token })
  await call('write', 'auth/token/create', { type: 'batch', policies: ['default'] })
  await call('list', 'auth/token/accessors')
  const wrapped = await call('write', 'auth/token/create', { policies: ['default'] }, { wrapTtl: 60 })
  await call('write', 'sys/wrapping/lookup', { token: wrapped.wrap_info.token })
  await call('write', 'sys/wrapping/unwrap', {}, { token: wrapped.wrap_info.token })
  await call('write', 'auth/token/revoke', { token: auth.client_token })
  const lines = world.files.text(FILE)
  assert.ok(new Set(seen).size > 10)
  for (const one of seen) assert.equal(lines.includes(one), false, one)
  assert.equal(lines.includes(CANARY), false)
})
