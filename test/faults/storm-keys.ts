// What changes keys in the middle of a storm: the server's own, and those of namespaces with a seal of their own.
import type { Verb } from '../../src/contract/call.ts'
import type { JsonObject } from '../../src/base/json.ts'
import { decodeToken } from '../../src/seal/token-guard.ts'
import type { World } from '../../src/testing/world.ts'

type Call = (verb: Verb, at: string, data?: JsonObject, namespace?: string) => Promise<{ readonly status: number; readonly body: any }>
export type Deed = () => Promise<unknown>

/** One share opens the server; `told` hears of another as a client would. */
export function keyDeeds(world: World, call: Call, name: string, given: string, told: (share: string) => void): Record<'any' | 'alone', Deed[]> {
  let share = given
  let made = 0

  /** Closes the server and opens it again, while the others go on asking. */
  async function reopen(): Promise<void> {
    await call('write', 'sys/seal')
    await world.sealer.unseal(Buffer.from(share, 'hex'))
  }

  async function rekey(): Promise<void> {
    await call('delete', 'sys/rekey/init')
    const { body: begun } = await call('write', 'sys/rekey/init', { secret_shares: 1, secret_threshold: 1 })
    const { body: ended } = await call('write', 'sys/rekey/update', { key: share, nonce: begun?.nonce ?? '' })
    const [next] = ended?.keys ?? []
    if (next === undefined) return
    share = next
    told(share)
  }

  async function generateRoot(): Promise<void> {
    await call('delete', 'sys/generate-root/attempt')
    const { body: begun } = await call('write', 'sys/generate-root/attempt')
    const { body: ended } = await call('write', 'sys/generate-root/update', { key: share, nonce: begun?.nonce ?? '' })
    if (ended?.encoded_token) await call('write', 'auth/token/revoke', { token: decodeToken(ended.encoded_token, begun.otp) })
  }

  /** From its making to its end, which often doesn't come. */
  async function sealedNamespace(): Promise<void> {
    const at = `v${name}${made++}`
    const { body } = await call('write', `sys/namespaces/${at}`, { seal: 'seal "shamir" { shares = 1 threshold = 1 }' })
    const [key] = body?.data?.key_shares ?? []
    if (key === undefined) return
    const steps: readonly Deed[] = [
      () => call('write', `sys/namespaces/${at}/unseal`, { key }),
      () => call('write', 'sys/mounts/kv', { type: 'kv' }, at),
      () => call('write', 'kv/a', { n: made }, at),
      () => call('write', 'sys/rotate', {}, at),
      () => call('write', 'sys/rotate/root', {}, at),
      () => call('write', 'kv/b', { n: made }, at),
      () => call('write', `sys/namespaces/${at}/seal`),
      () => call('write', `sys/namespaces/${at}/unseal`, { key }),
      () => call('delete', `sys/namespaces/${at}`),
    ]
    for (const step of steps) await step()
  }

  const rotate = () => call('write', 'sys/rotate')
  const rotateRoot = () => call('write', 'sys/rotate/root')
  return { any: [reopen, sealedNamespace], alone: inTurn([reopen, rekey, rekey, rotate, rotateRoot, generateRoot]) }
}

/** One at a time, as whoever holds the seal does them: a share is the present one as long as it is used. */
function inTurn(deeds: readonly Deed[]): Deed[] {
  let last: Promise<unknown> = Promise.resolve()
  return deeds.map((deed) => () => {
    last = last.then(deed)
    return last
  })
}
