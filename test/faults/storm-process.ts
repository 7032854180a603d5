// A server's insides over a store on disk, doing everything that changes more than one key, a lot of it at once, until it is killed.
// Arguments: the folder of the store, the share in hex, the root token, a seed, a name for what it makes, and `alone` where no other
// process has the store, so that this one holds the seal and may change the server's keys.
import { randomBytes } from 'node:crypto'
import { timers } from '../../src/app/ports.ts'
import { unlessSealed } from '../../src/base/fault.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { clock } from '../../src/app/ports.ts'
import { openWorld, type World } from '../../src/testing/world.ts'
import type { Verb } from '../../src/contract/call.ts'
import { seeded } from './seeded.ts'
import { keyDeeds } from './storm-keys.ts'

const [path = '', share = '', token = '', seed = '1', name = 'a', alone = ''] = process.argv.slice(2)
const { random } = seeded(Number(seed))
const LANES = 6

const store = await openLmdb({ path, timers, onUnknown: () => process.kill(process.pid, 'SIGKILL') })
const world: World = await openWorld({ store, blank: true, timers })
world.clock.advance(clock.now() - world.clock.now())
await world.sealer.unseal(Buffer.from(share, 'hex'))
console.log('ready')

const call = (verb: Verb, at: string, data: JsonObject = {}, namespace = '') => world.call(verb, at, data, { token, namespace })
const pick = <T>(of: readonly T[]): T => of[random(of.length)] as T
const some = () => `${pick(['x', 'y', 'z'])}${random(4)}`
const namespace = () => pick(['', '', '', `${pick(['n1', 'n2'])}/`])

const keys = keyDeeds(world, call, name, share, (next) => console.log(`share ${next}`))

/** Each changes several keys in one commit, or in steps that a crash may cut short. */
const DEEDS: readonly (() => Promise<unknown>)[] = [
  () => call('write', `sys/mounts/${some()}`, { type: 'kv', options: { version: pick(['1', '2']) } }, namespace()),
  () => call('delete', `sys/mounts/${some()}`, {}, namespace()),
  () => call('write', 'sys/remount', { from: some(), to: some() }),
  () => call('write', `kv/data/${some()}`, { data: { n: random(1_000), pad: randomBytes(random(2_000)).toString('hex') } }),
  () => call('write', `kv/data/${some()}`, { data: { n: random(1_000) } }),
  () => call('write', `kv/destroy/${some()}`, { versions: [1 + random(9)] }),
  () => call('write', `kv/metadata/${some()}`, { max_versions: 1 + random(4) }),
  () => call('delete', `kv/metadata/${some()}`),
  () => call('write', `sys/policies/acl/${some()}`, { policy: `path "kv/${random(9)}" { capabilities = ["read"] }` }, namespace()),
  () => call('delete', `sys/policies/acl/${some()}`, {}, namespace()),
  () => call('write', `sys/namespaces/${pick(['n1', 'n2', 'n3'])}`),
  () => call('delete', `sys/namespaces/${pick(['n1', 'n2', 'n3'])}`),
  makeFamily,
  makeFamily,
  () => call('write', `auth/approle/role/${some()}`, { secret_id_num_uses: random(3), secret_id_ttl: random(3) }),
  () => call('delete', `auth/approle/role/${some()}`),
  () => call('write', `auth/approle/role/${some()}/secret-id`),
  () => call('write', 'sys/leases/revoke-prefix/auth/token/create', {}, namespace()),
  () => unlessSealed(() => world.kernel.sweep()),
  ...(alone === '' ? keys.any : [...keys.any, ...keys.alone]),
]

/** A token with children and grandchildren and something in their cubbyholes; and often its end. */
async function makeFamily(): Promise<void> {
  const at = namespace()
  const make = async (parent: string) =>
    (await world.call('write', 'auth/token/create', { ttl: `${1 + random(3)}s` }, { token: parent, namespace: at })).body?.auth?.client_token
  const first = await make(token)
  if (first === undefined) return
  const children = await Promise.all([make(first), make(first), make(first)])
  for (const child of children) if (child) await world.call('write', 'cubbyhole/own', { a: '1' }, { token: child, namespace: at })
  if (random(2) === 0) await world.call('write', 'auth/token/revoke', { token: first }, { token, namespace: at })
  else if (random(3) === 0) await world.call('write', 'auth/token/revoke-orphan', { token: first }, { token, namespace: at })
}

async function lane(number: number): Promise<void> {
  for (let n = 0; ; n++) {
    if (random(4) === 0) {
      const { status } = await call('write', `kv/data/kept/${name}-${number}-${n}`, { data: { n } })
      if (status === 200) console.log(`kept ${name}-${number}-${n}`)
    } else await pick(DEEDS)()
    world.clock.advance(Math.max(0, clock.now() - world.clock.now()))
  }
}

await Promise.all(Array.from({ length: LANES }, (_, number) => lane(number)))
