// Scans the memory of a process that initialises, unseals, works, rekeys, rotates and seals, for every form that a key or share had.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { copies, remains } from '../../test/support/memory.ts'

/** The process tells its keys XORed with this, so that telling leaves nothing to find. */
const MASK = 0xa5

const SCRIPT = `
import { once } from 'node:events'
const at = (path) => new URL(path, ${JSON.stringify(import.meta.url)}).href
const { clock, random, timers } = await import(at('../app/ports.ts'))
const { memory } = await import(at('../store/memory.ts'))
const { Keyring } = await import(at('./keyring.ts'))
const { barrier } = await import(at('./barrier.ts'))
const { openSealer } = await import(at('./sealer.ts'))
const { parseUnsealBody, printShares } = await import(at('./share-codec.ts'))
const { rekeyStep } = await import(at('./key-steps.ts'))
const { readHex } = await import(at('../crypto/byte-text.ts'))

const masked = (bytes) => Buffer.from(bytes.map((byte) => byte ^ ${MASK})).toString('hex')
const say = (line) => process.stdout.write(line + '\\n')
const told = { shares: [] }
const fresh = []
const watched = { bytes(size) {
  const bytes = random.bytes(size)
  if (size === 32) fresh.push(masked(bytes))
  if (size === 96) [told.unsealKey, told.rootKey, told.termKey] = [0, 32, 64].map((from) => masked(bytes.subarray(from, from + 32)))
  return bytes
} }
const store = memory({ timers })
const keyring = new Keyring()
const sealer = openSealer(store, keyring, { clock, timers, random: watched })
const shares = await sealer.init({ shares: 5, threshold: 3 })
told.shares = shares.map(masked)
const reply = printShares({ keys: shares }, { root_token: 'root' })
for (const share of shares) share.fill(0)
say(JSON.stringify(told))

await once(process.stdin, 'data')
const hexAt = (index) => reply.indexOf('"keys":["') + 9 + index * 69
const base64At = (index) => reply.indexOf('_base64":["') + 11 + index * 47
for (const [from, size] of [[hexAt(0), 66], [hexAt(1), 66], [base64At(4), 44]]) {
  const body = Buffer.concat([Buffer.from('{"key":"'), reply.subarray(from, from + size), Buffer.from('"}')])
  await sealer.unseal(parseUnsealBody(body).key)
}
const inside = barrier(store, keyring, random)
for (let i = 0; i < 300; i++) {
  await inside.commit({ ops: [{ key: 'k' + i, value: Buffer.from('value') }] })
  inside.get('k' + i)
}
await store.commit({ ops: [{ key: 'k1', value: store.get('k2').value }] })
try { inside.get('k1') } catch {}
const exported = sealer.exportKeyring()
const worker = new Keyring()
worker.load(exported)
exported.fill(0)
say(sealer.status().sealed ? 'sealed' : 'unsealed')

await once(process.stdin, 'data')
fresh.length = 0
const rekey = sealer.rekeys.root
const step = (action, body) => rekeyStep(rekey, { action, granted: true, body })
await step('init', Buffer.from('{"secret_shares":3,"secret_threshold":2,"require_verification":true}'))
const nonce = '","nonce":"' + rekey.status().begun.nonce + '"}'
const sent = (from, size, source, more) => Buffer.concat([Buffer.from('{"key":"'), source.subarray(from, from + size), Buffer.from(more)])
let made
for (const [from, size] of [[hexAt(0), 66], [hexAt(1), 66], [base64At(4), 44]]) made = await step('update', sent(from, size, reply, nonce))
reply.fill(0)
const proof = '","nonce":"' + rekey.status().begun.verificationNonce + '"}'
const newHexAt = (index) => made.indexOf('"keys":["') + 9 + index * 69
for (const index of [0, 2]) await step('verify', sent(newHexAt(index), 66, made, proof))
const grown = await sealer.addTerm()
worker.extend(grown)
grown.fill(0)
worker.activate(sealer.activate())
await inside.commit({ ops: [{ key: 'k', value: Buffer.from('value') }] })
const [sharedKey, , rootKey, term] = fresh
const shares2 = [0, 1, 2].map((index) => {
  const share = readHex(made.subarray(newHexAt(index), newHexAt(index) + 66))
  const hidden = masked(share)
  share.fill(0)
  return hidden
})
made.fill(0)
say(JSON.stringify({ unsealKey: sharedKey, rootKey, termKey: term, shares: shares2 }))
await once(process.stdin, 'data')
worker.close()
sealer.seal()
say('sealed')
await once(process.stdin, 'data')
process.exit()
`

test('after sealing, no key and no share is left in memory', { skip: process.platform !== 'linux' }, async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] })
  try {
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async () => (await lines.next()).value as string
    const told = JSON.parse(await next()) as { unsealKey: string; rootKey: string; termKey: string; shares: string[] }
    const [unsealKey, rootKey, termKey] = [told.unsealKey, told.rootKey, told.termKey].map(unmasked).map(remains) as [Buffer, Buffer, Buffer]
    const shares = told.shares.map(unmasked)
    const written = shares.flatMap((share) => [share.toString('hex'), share.toString('base64')]).map((text) => remains(Buffer.from(text)))
    const transient = [unsealKey, rootKey, ...shares.map(remains)]

    const initialised = copies(child.pid as number, [...written, ...transient, termKey])
    assert.deepEqual(
      initialised.slice(0, written.length),
      written.map(() => 1),
      'the answer to init, and nothing else',
    )
    assert.deepEqual(
      initialised.slice(written.length),
      [...transient, termKey].map(() => 0),
    )

    child.stdin.write('unseal\n')
    assert.equal(await next(), 'unsealed')
    const [held, ...unsealed] = copies(child.pid as number, [termKey, ...written, ...transient])
    assert.ok((held as number) >= 1, 'the scan finds what is there')
    assert.deepEqual(unsealed, [...written.map(() => 1), ...transient.map(() => 0)], 'the shares where they will be taken from next')

    child.stdin.write('rekey\n')
    const changed = JSON.parse(await next()) as typeof told
    const newTerm = remains(unmasked(changed.termKey))
    const newShares = changed.shares.map(unmasked)
    const newTexts = newShares.flatMap((share) => [share.toString('hex'), share.toString('base64')]).map((text) => Buffer.from(text))
    const replaced = [...[changed.unsealKey, changed.rootKey].map(unmasked), ...newShares, ...newTexts].map(remains)
    const [kept, ...gone] = copies(child.pid as number, [newTerm, ...replaced, ...written, ...transient])
    assert.ok((kept as number) >= 1, 'the new term is in use')
    assert.deepEqual(
      gone,
      [...replaced, ...written, ...transient].map(() => 0),
    )

    child.stdin.write('seal\n')
    assert.equal(await next(), 'sealed')
    const all = [termKey, newTerm, ...written, ...transient, ...replaced]
    assert.deepEqual(
      copies(child.pid as number, all),
      all.map(() => 0),
    )
    child.stdin.write('exit\n')
  } finally {
    child.kill('SIGKILL')
  }
})

function unmasked(hex: string): Buffer {
  return Buffer.from(Buffer.from(hex, 'hex').map((byte) => byte ^ MASK))
}
