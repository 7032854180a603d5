// A worker that lends accounts of a Redis server, over a store on disk, until it is killed. Says what it does in lines.
// Arguments: folder of the store, socket of Redis, file with the keys, how far its clock is ahead, and whether it leads.
import { readFileSync } from 'node:fs'
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { lending } from '../../src/testing/lender.ts'
import { redisAccounts } from '../../src/testing/redis.ts'
import { openWorld } from '../../src/testing/world.ts'

const [path = '', socket = '', keyFile = '', ahead = '0', name = ''] = process.argv.slice(2)
const { share, token: root } = JSON.parse(readFileSync(keyFile, 'utf8')) as { share: string; token: string }
const store = await openLmdb({ path, timers, onUnknown: () => process.kill(process.pid, 'SIGKILL') })
const world = await openWorld({ store, blank: true, timers, modules: lending(redisAccounts(socket)) })
const tell = (): void => world.clock.set(Date.now() + Number(ahead))
tell()
await world.sealer.unseal(Buffer.from(share, 'base64'))

async function ask(verb: 'read' | 'write', at: string, data = {}, token = root): Promise<any> {
  const { status, body } = await world.call(verb, at, data, { token })
  console.log(status)
  return body ?? {}
}

/** Borrows, and does one thing after the other with what was lent. */
async function lane(nth: number): Promise<void> {
  for (let n = nth; ; n++) {
    const holder = n % 5 === 0 ? ((await ask('write', 'auth/token/create', { policies: ['lend'] })).auth?.client_token ?? root) : root
    const { lease_id: id } = await ask('read', `lend/creds/${n % 2 ? 'short' : 'long'}`, {}, holder)
    if (holder !== root) await ask('write', 'auth/token/revoke', { token: holder })
    if (n % 5 === 1) await ask('write', 'sys/leases/revoke', { lease_id: id })
    if (n % 5 === 2) await ask('write', 'sys/leases/revoke', { lease_id: id, sync: false })
    if (n % 5 === 3) await ask('write', 'sys/leases/renew', { lease_id: id })
  }
}

console.log('ready')
setInterval(tell, 10)
if (name === 'leads') {
  setInterval(() => void world.kernel.expire().catch(() => {}), 20)
  setInterval(() => void world.kernel.sweep().catch(() => {}), 100)
}
await Promise.all(Array.from({ length: 6 }, (_, nth) => lane(nth)))
