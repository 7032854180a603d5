// Rekeys of a real server: answered by whichever worker, and ended by SIGKILL of everything at any moment.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, folder, freePort, killed, productionServer } from '../support/server.ts'
import { initialise } from './load.ts'

type Shares = readonly string[]

async function opens(address: string, shares: Shares): Promise<boolean> {
  for (const key of shares) await ask(address, 'PUT', 'sys/unseal', { key }, '')
  const { sealed } = (await ask(address, 'GET', 'sys/seal-status', undefined, '')).body
  if (sealed) await ask(address, 'PUT', 'sys/unseal', { reset: true }, '')
  return !sealed
}

/** One rekey, each request of it to whichever worker takes it; `told` hears of new shares as soon as a client does. */
async function rekey(address: string, token: string, shares: Shares, verify: boolean, told: (shares: Shares) => void): Promise<void> {
  await ask(address, 'DELETE', 'sys/rekey/init', undefined, token)
  const request = { secret_shares: 3, secret_threshold: 2, require_verification: verify }
  const { nonce } = (await ask(address, 'PUT', 'sys/rekey/init', request, token)).body
  for (const key of shares) {
    const { body } = await ask(address, 'PUT', 'sys/rekey/update', { key, nonce }, '')
    if (!body.complete) continue
    told(body.keys)
    if (!verify) return
    for (const one of body.keys) {
      if ((await ask(address, 'PUT', 'sys/rekey/verify', { key: one, nonce: body.verification_nonce }, '')).body.complete) return
    }
  }
  assert.fail('a rekey did not end')
}

test('rekeys under SIGKILL: shares that a client was told open the server', async (t) => {
  const at = folder(t)
  const port = await freePort()
  let { address, process: child } = await productionServer(t, { at, port })
  const { shares, token } = await initialise(address)
  let known: Shares[] = [shares]
  assert.ok(await opens(address, shares))
  for (let round = 0; round < 6; round++) {
    let count = 0
    const kill = Promise.withResolvers<void>()
    const rekeying = (async () => {
      for (;;) {
        await rekey(address, token, known.at(-1) as Shares, count % 2 === 0, (fresh) => known.push(fresh))
        if (++count === 2) kill.resolve()
      }
    })()
    await Promise.race([kill.promise, rekeying])
    await new Promise((resolve) => setTimeout(resolve, round * 3))
    await killed(child)
    await rekeying.catch((error) => assert.ok(error instanceof TypeError, error)) // fetch's word for a broken connection
    ;({ address, process: child } = await productionServer(t, { at, port }))
    let opened: Shares | undefined
    for (const one of known.slice(-2).reverse()) if (!opened && (await opens(address, one))) opened = one
    assert.ok(opened, 'no shares that were told open it')
    known = [opened]
  }
})
