// What a new server starts with, written once, when it is initialised: its mounts, its secrets and its root token.
import { secretKey } from '../crypto/secret-key.ts'
import { base62, uuid } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import { encode } from '../store/records.ts'
import { follow } from '../store/follow.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'
import { type Namespace, ROOT } from '../contract/namespace.ts'
import { addMount } from '../tenancy/mount-entries.ts'
import { openSlices } from '../tenancy/slices.ts'
import { openTokens } from '../token/tokens.ts'
import { CLUSTER, FIRST_MOUNTS, TOKEN_HASH_KEY } from './layout.ts'

/** `store` is behind the barrier. Returns the root token's id. */
export async function bootstrap(store: Store, ports: { clock: Clock; random: Random }, rootToken?: string): Promise<string> {
  const { random } = ports
  const hashKey = random.bytes(32)
  const cluster = { name: `signet-${base62(random, 8).toLowerCase()}`, id: uuid(random) }
  await store.commit({
    ops: [
      { key: TOKEN_HASH_KEY, value: hashKey },
      { key: CLUSTER, value: encode(cluster) },
    ],
  })
  const takeSlice = openSlices(store)
  const slices = await Promise.all(FIRST_MOUNTS.map(() => takeSlice(ROOT.seal)))
  await transact(store, (tx) => FIRST_MOUNTS.forEach((spec, at) => addMount(tx, ROOT, spec, slices[at] as string, random)))
  return mint(store, hashKey, ports, rootToken)
}

/**
 * Another root token, of the server or of a namespace: its records are written `into` an empty store behind the same barrier as
 * `from`. Returns its id.
 */
export async function mintRoot(from: Store, into: Store, ports: { clock: Clock; random: Random }, of: Home = ROOT): Promise<string> {
  const hashKey = from.get(TOKEN_HASH_KEY)?.value
  if (!hashKey) throw new Error(`${TOKEN_HASH_KEY} is missing from the store`)
  return mint(into, hashKey, ports, undefined, of)
}

type Home = Pick<Namespace, 'id' | 'path'>

async function mint(store: Store, hashKey: Buffer, ports: { clock: Clock; random: Random }, id?: string, of: Home = ROOT): Promise<string> {
  const { clock, random } = ports
  const namespaces = { idOf: () => of.id, alive: () => true }
  const own = { store, follower: follow(store), clock, random, namespaces, hashKey: secretKey(hashKey) }
  const tokens = openTokens({ ...own, mountAlive: () => true, cemetery: async () => {} })
  return (await tokens.mint({ ...ROOT_TOKEN, namespace: of.path }, id === undefined ? {} : { id })).id
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
} as const
