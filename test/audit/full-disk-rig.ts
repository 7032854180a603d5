// A server whose audit devices lie on a file system of 512 KiB that is full, has room again, and is full again.
// Arguments: the folder where that is mounted, and one on another disk. Prints one line of JSON.
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDev } from '../../src/app/dev.ts'
import { parsePath } from '../../src/base/path.ts'
import { openLogs } from '../../src/telemetry/log.ts'
import { ports } from '../../src/app/ports.ts'
import { Secret } from '../../src/base/secret.ts'
import type { Verb } from '../../src/contract/call.ts'
import { keyIdOf, readPublicKey } from '../../src/crypto/signature.ts'
import { verifyTexts } from '../../src/testing/audit-log.ts'

const [full = '', other = ''] = process.argv.slice(2)
const dev = await openDev(
  { rootTokenId: 'root', listenAddress: '127.0.0.1:0', kvV1: false, trustDomain: undefined, noStoreToken: true },
  openLogs({ level: 'error', format: 'json', clock: ports.clock, write: () => {} }),
)
let requests = 0

async function call(verb: Verb, path: string, data: object = {}): Promise<{ status: number; body: any }> {
  const { status, body } = await dev.serving.kernel.handle({
    id: `request-${++requests}`,
    at: Date.now(),
    verb,
    path: parsePath(path),
    namespace: '',
    query: {},
    body: verb === 'write' ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0),
    contentType: 'application/json',
    token: new Secret('root'),
    peer: { address: '127.0.0.1', port: 1 },
    wrapTtl: undefined,
  })
  return { status, body: body.length > 0 ? JSON.parse(body.toString()) : undefined }
}

const fill = () => {
  try {
    writeFileSync(join(full, 'filler'), Buffer.alloc(1 << 20))
  } catch {
    // as much as there was room for
  }
}
const empty = () => rmSync(join(full, 'filler'), { force: true })
const read = async () => (await call('read', 'secret/data/x')).status
const failing = async () => (await call('read', 'sys/health')).body.audit

/** Fills the disk, sees reads refused and a write not happen, makes room, and sees both work again. */
async function cycle(): Promise<object> {
  fill()
  let refused: unknown
  for (let n = 0; refused === undefined && n < 50; n++) {
    const { status, body } = await call('read', 'secret/data/x')
    if (status === 500) refused = body
  }
  const written = (await call('write', 'secret/data/y', { data: { n: requests } })).status
  const health = await failing()
  empty()
  return { refused, written, health, after: await read(), unwritten: (await call('read', 'secret/data/y')).status }
}

await call('write', 'secret/data/x', { data: { a: '1' } })
await call('write', 'sys/audit/first', { type: 'file', options: { file_path: join(full, 'audit.log') } })
const alone = [await cycle(), await cycle()]
await call('write', 'sys/audit/second', { type: 'file', options: { file_path: join(other, 'audit.log') } })
fill()
const both: number[] = []
for (let n = 0; n < 20; n++) both.push(await read())
const health = await failing()
empty()
await call('delete', 'sys/audit/second')
const { data } = (await call('read', 'sys/audit-chain/first')).body
await dev.close()
const key = readPublicKey(data.public_key)
const report = verifyTexts(new Map([['', readFileSync(join(full, 'audit.log'))]]), {
  key: { id: keyIdOf(key), key },
  heads: data.chains,
  complete: true,
})
console.log(JSON.stringify({ alone, both: [...new Set(both)], health, findings: report.findings, lines: report.lines }))
