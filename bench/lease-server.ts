// A server with an engine that lends nothing but leases, for leases.ts: over a store on disk, in one process that serves and leads.
// Arguments: folder of the store, port, file with the keys. The line `late` on standard input is answered with how late
// leases were taken back, since the last time.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { AUDIT_DEFAULTS } from '../src/app/audit.ts'
import { openNamespaceSeals } from '../src/app/namespace-seals.ts'
import { ports } from '../src/app/ports.ts'
import { openSealParts } from '../src/app/seal-parts.ts'
import { openSealPort } from '../src/app/seal-port.ts'
import { openServing } from '../src/app/serving.ts'
import { silent } from '../src/base/log.ts'
import type { Folder } from '../src/base/ports.ts'
import { barrier } from '../src/seal/barrier.ts'
import { Keyring } from '../src/seal/keyring.ts'
import { openLmdb } from '../src/store/lmdb.ts'
import type { ServerPort } from '../src/sys/server.ts'
import { openMetrics } from '../src/telemetry/metrics.ts'
import { Histogram } from './histogram.ts'
import { bare } from './bare-lender.ts'

const [path = '', port = '0', keyFile = ''] = process.argv.slice(2)
const store = await openLmdb({ path, timers: ports.timers, onUnknown: () => process.kill(process.pid, 'SIGKILL') })
const keyring = new Keyring()
const parts = openSealParts(store, keyring, ports, silent)
await parts.sealer.unseal(Buffer.from(readFileSync(keyFile, 'utf8'), 'base64'))
const nothing = async () => {}
let late = new Histogram()
let count = 0
const serving = await openServing({
  store,
  storageType: 'lmdb',
  keyring,
  seal: openSealPort(parts, { unsealed: nothing, sealed: nothing, extended: nothing, activated: nothing, unspent: async () => 0 }),
  ...openNamespaceSeals(barrier(store, keyring, ports.random), ports, () => [serving.kernel]).parts,
  log: silent,
  metrics: openMetrics({ monotonic: ports.clock.monotonic, residentBytes: () => 0, heapBytes: () => 0, lagMs: () => 0 }),
  server: {} as ServerPort,
  stage: () => Promise.reject(new Error('nothing is restored here')),
  settings: {
    listeners: [{ address: `127.0.0.1:${port}` }],
    defaultLeaseTtl: 2_764_800,
    maxLeaseTtl: 2_764_800,
    audit: AUDIT_DEFAULTS,
  },
  spools: {} as Folder,
  print: nothing,
  modules: bare((milliseconds) => {
    late.record(Math.max(1, milliseconds * 1000))
    count++
  }),
})
serving.lead()
console.log('ready')

const quantile = (fraction: number): string => `${(late.quantile(fraction) / 1000).toFixed(0)} ms`
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== 'late') continue
  console.log(`${count} leases taken back: half within ${quantile(0.5)}, 99 % within ${quantile(0.99)}, all within ${quantile(1)}`)
  late = new Histogram()
  count = 0
}
await serving.close()
process.exit(0)
