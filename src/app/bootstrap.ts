// What a new server starts with, written once, when it is initialised: its mounts, its secrets and its root token.
import { secretKey } from '../crypto/secret-key.ts'
import { base62, uuid } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import { encode } from '../store/records.ts'
import { follow } from '../store/follow.ts'
import { openSpace } from '../store/space.ts'
import type { Store } from '../store/store.ts'
import { openMounts } from '../tenancy/mounts.ts'
import { openTokens } from '../token/tokens.ts'
import { CLUSTER, ROOT_NAMESPACE, TOKEN_HASH_KEY } from './layout.ts'

/** `store` is behind the barrier. Returns the root token's id. */
export async function bootstrap(store: Store, ports: { clock: Clock; random: Random }, rootToken?: string): Promise<string> {
  const { clock, random } = ports
  const space = openSpace(store, follow(store), ROOT_NAMESPACE)
  const hashKey = random.bytes(32)
  const cluster = { name: `signet-${base62(random, 8).toLowerCase()}`, id: uuid(random) }
  await space.store.commit({
    ops: [
      { key: TOKEN_HASH_KEY, value: hashKey },
      { key: CLUSTER, value: encode(cluster) },
    ],
  })
  const mounts = openMounts(space, random)
  await mounts.enable({ path: 'sys', class: 'system', type: 'system', description: 'system endpoints used for control, policy and debugging' })
  await mounts.enable({ path: 'cubbyhole', class: 'secret', type: 'cubbyhole', description: 'per-token private secret storage', local: true })
  await mounts.enable({ path: 'auth/token', class: 'auth', type: 'token', description: 'token based credentials' })
  const tokens = openTokens({ space, clock, random, hashKey: secretKey(hashKey), mountAlive: () => true, cemetery: async () => {} })
  const { id } = await tokens.mint(ROOT_TOKEN, rootToken === undefined ? {} : { id: rootToken })
  return id
}

const ROOT_TOKEN = {
  type: 'service',
  parent: undefined,
  policies: ['root'],
  path: 'auth/token/root',
  mountAccessor: '',
  displayName: 'root',
  metadata: undefined,
  internal: undefined,
  ttl: 0,
  explicitMaxTtl: 0,
  period: 0,
  numUses: 0,
  renewable: false,
  orphan: true,
  boundCidrs: [],
  entityId: '',
  role: '',
  namespace: '',
} as const
