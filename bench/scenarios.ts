// What is measured: for each scenario, how a server is prepared and which requests it then gets.
import type { Client } from './client.ts'
import { FILLED_MOUNT, mountKv, SMALL_MOUNT, toKey, toSecret } from './dataset.ts'
import type { Ask } from './target.ts'

/** What a scenario's setup found out and its requests need. */
export interface State {
  /** A token that holds only the policy of the benchmark, so that each request pays for a policy decision. */
  readonly token: string
  /** Number of different requests; request(i) is asked for i in 0 … distinct - 1. */
  readonly distinct: number
  readonly mount: string
  readonly keys: number
  readonly login?: { readonly role_id: unknown; readonly secret_id: unknown }
}

export interface Scenario {
  readonly name: string
  readonly doc: string
  /** `filled` is how many entries `fill.ts` put into the server; 0 for the scenario's own small set. */
  setup(client: Client, filled: number): Promise<State>
  request(i: number, state: State): Ask
  /** What is asked next with what came back, if anything: the two count as one. */
  followUp?(body: Buffer): Ask | undefined
}

const KEYS = 1000
const PAGE = 100
/** A stride that shares no factor with the number of keys visits all of them, out of order. */
const STRIDE = 7919

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'kv2-read',
    doc: 'Reads secrets of about 300 bytes, all over the mount.',
    setup: withSecrets,
    request: (i, { mount, keys, token }) => ({ method: 'GET', path: `/v1/${mount}/data/${toKey((i * STRIDE) % keys)}`, token }),
  },
  {
    name: 'kv2-write',
    doc: 'Writes new versions of secrets of about 300 bytes.',
    setup: withSecrets,
    request: (i, { mount, keys, token }) => {
      const key = (i * STRIDE) % keys
      return { method: 'POST', path: `/v1/${mount}/data/${toKey(key)}`, body: { data: toSecret(key) }, token }
    },
  },
  {
    name: 'kv2-list-page',
    doc: `Lists ${PAGE} names from anywhere in the mount.`,
    setup: withSecrets,
    request: (i, { mount, keys, token }) => {
      const after = toKey((i * STRIDE) % Math.max(1, keys - PAGE))
      return { method: 'GET', path: `/v1/${mount}/metadata/?list=true&after=${after}&limit=${PAGE}`, token }
    },
  },
  {
    name: 'approle-login',
    doc: 'Logs in with a role id and a secret id; each login makes a service token of 20 minutes.',
    setup: withRole,
    request: (_, { login }) => ({ method: 'POST', path: '/v1/auth/bench-approle/login', body: login }),
  },
  {
    name: 'lookup-self',
    doc: 'Asks a service token about itself.',
    setup: withToken,
    request: (_, { token }) => ({ method: 'GET', path: '/v1/auth/token/lookup-self', token }),
  },
  {
    name: 'token-create',
    doc: 'Makes a child service token of 20 minutes.',
    setup: withToken,
    request: (_, { token }) => ({ method: 'POST', path: '/v1/auth/token/create', body: { policies: ['bench'], ttl: '20m' }, token }),
  },
  {
    name: 'batch-create',
    doc: 'Makes a child batch token of 20 minutes.',
    setup: withToken,
    request: (_, { token }) => ({ method: 'POST', path: '/v1/auth/token/create', body: { type: 'batch', policies: ['bench'], ttl: '20m' }, token }),
  },
  {
    name: 'wrap-unwrap',
    doc: 'Wraps data of about 300 bytes for a minute, and takes it with the wrapping token: two requests that count as one.',
    setup: withToken,
    request: (i, { token }) => ({ method: 'POST', path: '/v1/sys/wrapping/wrap', body: toSecret(i), token, wrapTtl: '60s' }),
    followUp: (body) => ({ method: 'POST', path: '/v1/sys/wrapping/unwrap', token: JSON.parse(body.toString()).wrap_info.token }),
  },
]

const POLICY = `
path "${SMALL_MOUNT}/*" { capabilities = ["create", "read", "update", "list"] }
path "${FILLED_MOUNT}/*" { capabilities = ["create", "read", "update", "list"] }
path "auth/token/create" { capabilities = ["create", "update"] }
path "sys/wrapping/wrap" { capabilities = ["create", "update"] }
`

async function withToken(client: Client): Promise<State> {
  await client.call('PUT', '/v1/sys/policies/acl/bench', { policy: POLICY })
  const made = await client.call('POST', '/v1/auth/token/create', { policies: ['bench'], ttl: '24h', no_parent: true })
  return { token: made.auth?.client_token ?? '', distinct: 1, mount: SMALL_MOUNT, keys: KEYS }
}

async function withSecrets(client: Client, filled: number): Promise<State> {
  const state = await withToken(client)
  if (filled > 0) return { ...state, mount: FILLED_MOUNT, keys: filled, distinct: Math.min(filled, 20 * KEYS) }
  await mountKv(client, SMALL_MOUNT)
  await client.each(KEYS, 16, (i) => ({ method: 'POST', path: `/v1/${SMALL_MOUNT}/data/${toKey(i)}`, body: { data: toSecret(i) } }))
  return { ...state, distinct: KEYS }
}

async function withRole(client: Client): Promise<State> {
  const state = await withToken(client)
  const mounted = await client.call('GET', '/v1/sys/auth')
  if (!('bench-approle/' in (mounted.data ?? {}))) await client.call('POST', '/v1/sys/auth/bench-approle', { type: 'approle' })
  const role = '/v1/auth/bench-approle/role/bench'
  await client.call('POST', role, { token_policies: ['bench'], token_ttl: '20m', token_max_ttl: '20m', secret_id_num_uses: 0 })
  const id = await client.call('GET', `${role}/role-id`)
  const secret = await client.call('POST', `${role}/secret-id`, {})
  return { ...state, login: { role_id: id.data?.role_id, secret_id: secret.data?.secret_id } }
}
