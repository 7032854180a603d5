// A process that holds the seals of some stores and changes their keys without end, telling the shares as clients would learn them.
// Arguments, for each store: its folder, and the shares that open it, as hex, separated by commas.
import { clock, random, timers } from '../../src/app/ports.ts'
import { barrier } from '../../src/seal/barrier.ts'
import { Keyring } from '../../src/seal/keyring.ts'
import type { Pgp } from '../../src/seal/pgp.ts'
import { openSealer, type Sealer } from '../../src/seal/sealer.ts'
import { openLmdb } from '../../src/store/lmdb.ts'

/** Hides nothing: a share is its own hex. */
const pgp: Pgp = { fingerprint: async (key) => key, encrypt: async (_, message) => Buffer.from(message) }

const end = () => process.kill(process.pid, 'SIGKILL')

async function work(path: string, given: readonly Buffer[]): Promise<void> {
  const store = await openLmdb({ path, timers, onUnknown: end })
  const keyring = new Keyring()
  const sealer = openSealer(store, keyring, { clock, random, timers }, undefined, pgp)
  for (const share of given) await sealer.unseal(Buffer.from(share))
  if (keyring.sealed) throw new Error('these shares do not open it')
  if (sealer.rekeys.root.status().begun) await sealer.rekeys.root.cancel()
  const inside = barrier(store, keyring, random)
  let shares = given
  for (let n = 0; ; n++) {
    shares = await rekeyed(sealer, path, shares, n % 2 === 0)
    const encoded = await sealer.addTerm()
    encoded.fill(0)
    sealer.activate()
    await inside.commit({ ops: [{ key: `data/${n % 50}`, value: Buffer.from(`${n}`) }] })
  }
}

async function rekeyed({ rekeys }: Sealer, path: string, shares: readonly Buffer[], verify: boolean): Promise<readonly Buffer[]> {
  const rekey = rekeys.root
  const count = 1 + ((random.bytes(1)[0] as number) % 3)
  const backup = (random.bytes(1)[0] as number) % 2 === 0
  const pgpKeys = backup ? Array.from({ length: count }, () => 'holder') : []
  await rekey.init({ shares: count, threshold: Math.min(count, 2), verify, pgpKeys, backup })
  const { nonce = '' } = rekey.status().begun ?? {}
  for (const share of shares) {
    const made = await rekey.update(nonce, share)
    if (!made) continue
    const fresh = backup ? made.shares.map((one) => Buffer.from(one.toString(), 'hex')) : made.shares
    console.log(`${path} shares ${fresh.map((one) => one.toString('hex')).join()}`)
    const { verificationNonce } = made
    if (verificationNonce !== undefined) for (const one of fresh) if (await rekey.verify(verificationNonce, one)) break
    console.log(`${path} done`)
    return fresh
  }
  throw new Error('all shares were not enough')
}

const args = process.argv.slice(2)
for (let at = 0; at < args.length; at += 2) {
  const shares = (args[at + 1] as string).split(',').map((share) => Buffer.from(share, 'hex'))
  void work(args[at] as string, shares)
}
