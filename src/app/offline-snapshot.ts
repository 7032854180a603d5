// A whole server over a snapshot, in memory and without a network: to look into it, to verify it, to take single secrets from it.
import { silent } from '../base/log.ts'
import type { Folder, Ports } from '../base/ports.ts'
import { Fault } from '../base/fault.ts'
import { Secret } from '../base/secret.ts'
import type { OfflineSnapshot } from '../cli/ports.ts'
import type { HttpRequest, HttpResponse } from '../client/request.ts'
import { BrokenRecord, openRecord } from '../crypto/aead.ts'
import { parseAsk } from '../edge/ask.ts'
import { EDGE_LIMITS } from '../edge/limits.ts'
import { barrier } from '../seal/barrier.ts'
import { Keyring } from '../seal/keyring.ts'
import { readSealConfig } from '../seal/key-records.ts'
import { sharesOpen } from '../seal/seal-config.ts'
import { SUMS_PLACE } from '../snapshot/format.ts'
import { type ReadSnapshot, readSnapshot } from '../snapshot/read.ts'
import { clear } from '../store/clear.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { ServerPort } from '../sys/server.ts'
import { openMetrics } from '../telemetry/metrics.ts'
import { AUDIT_DEFAULTS } from './audit.ts'
import { mintRoot } from './bootstrap.ts'
import { SYSTEM_TTL } from './config/config.ts'
import { fsck } from './fsck.ts'
import { type Kernel, openKernel } from './kernel.ts'
import { openNamespaceSeals } from './namespace-seals.ts'
import { SEALED_BY_SEALS } from './offline-database.ts'
import { ports as real } from './ports.ts'
import { type SealParts, openSealParts } from './seal-parts.ts'
import { openSealPort } from './seal-port.ts'
import { stageInMemory } from './staging.ts'

const nowhere = (): never => {
  throw new Error('a snapshot that is looked into writes nothing')
}

/** Where the effects of a server would go. */
const ports: Ports = {
  ...real,
  files: { openAppend: nowhere, openRead: () => undefined, idOf: () => undefined },
  sockets: { connect: nowhere },
  print: async () => {},
}

const NO_FOLDER: Folder = {
  path: '',
  list: () => [],
  make: nowhere,
  open: nowhere,
  readText: () => '',
  writeText: nowhere,
  remove() {},
  lock: () => undefined,
}

/** The audit devices in a snapshot are those of its server. */
const DEVICES = `${namespacePrefix(ROOT_ID)}audit/`

export async function openOfflineSnapshot(chunks: AsyncIterable<Uint8Array>): Promise<OfflineSnapshot> {
  const store = memory(ports)
  const read = await readSnapshot(chunks, async (ops) => void (await store.commit({ ops })))
  const config = readSealConfig(store)
  if (!config) throw new Fault('invalid', 'failed to read snapshot: it is of a server that was not initialised')
  const keyring = new Keyring()
  const parts = openSealParts(store, keyring, ports, silent)
  const kernel = openOffline(store, keyring, parts)
  let token: string | undefined
  return {
    meta: read.meta,
    threshold: config.threshold,
    entries: { [Symbol.iterator]: () => store.range({ prefix: '' })[Symbol.iterator]() },
    async unseal(share) {
      if (!sharesOpen(config)) throw new Fault('invalid', SEALED_BY_SEALS)
      return !(await parts.sealer.unseal(share)).sealed
    },
    fsck: () => fsck({ store, inside: barrier(store, keyring, ports.random), keyring }),
    verify: () => verify(store, keyring, read),
    async request(request) {
      if (token === undefined) await clear(store, DEVICES)
      const inside = barrier(store, keyring, ports.random)
      token ??= await mintRoot(inside, inside, ports)
      return ask(kernel, request, token)
    },
    async close() {
      await kernel.forget()
      keyring.close()
    },
  }
}

function openOffline(store: Store, keyring: Keyring, parts: SealParts): Kernel {
  const refused = async (): Promise<never> => {
    throw new Fault('invalid', 'a snapshot can only be looked into')
  }
  const seal = openSealPort(parts, { unsealed: refused, sealed: refused, extended: refused, activated: refused, unspent: refused })
  return openKernel({
    ports,
    store,
    keyring,
    seal,
    ...openNamespaceSeals(barrier(store, keyring, ports.random), ports, () => []).parts,
    log: silent,
    metrics: openMetrics({ monotonic: ports.clock.monotonic, residentBytes: () => 0, heapBytes: () => 0, lagMs: () => 0 }),
    server: UNOPERATED,
    stage: async () => stageInMemory(store, ports, refused),
    audit: AUDIT_DEFAULTS,
    spools: NO_FOLDER,
    storageType: 'inmem',
    defaultLeaseTtl: SYSTEM_TTL,
    maxLeaseTtl: SYSTEM_TTL,
  })
}

/** There is no server to operate. */
const UNOPERATED: ServerPort = {
  hostname: '',
  configuration: () => ({}),
  exposition: async () => '',
  measurements: async () => ({}),
  inFlight: async () => [],
  levels: () => ({}),
  setLevel: async () => {},
  host: async () => ({}),
}

/** What the command line's client would send over a network, handled here. */
async function ask(kernel: Kernel, { method, url, headers, body }: HttpRequest, token: string): Promise<HttpResponse> {
  const { pathname, search } = new URL(url)
  const { verb, path, query } = parseAsk(method, pathname + search, EDGE_LIMITS.parameters)
  const namespace = String(headers['X-Vault-Namespace'] ?? '').replace(/\/$/, '')
  const answer = await kernel.handle({
    id: 'offline',
    at: ports.clock.now(),
    verb,
    path,
    namespace,
    query,
    body: Buffer.from(body ?? []),
    contentType: undefined,
    token: new Secret(token),
    peer: { address: '127.0.0.1', port: 0 },
    wrapTtl: undefined,
  })
  return { status: answer.status, headers: {}, body: answer.body }
}

/** Outside the barrier. */
const SEAL = 'core/seal/'

function verify(store: Store, keyring: Keyring, { sums, sealedSums }: ReadSnapshot): number {
  const keyOf = (term: number) => keyring.keyOf(term)
  let count = 0
  try {
    if (!openRecord(keyOf, sealedSums, SUMS_PLACE).equals(sums)) throw new BrokenRecord(SUMS_PLACE)
    for (const { key, value } of store.range({ prefix: '' })) {
      count++
      if (!key.startsWith(SEAL)) openRecord(keyOf, value, key).fill(0)
    }
  } catch (error) {
    if (error instanceof BrokenRecord) throw new Fault('invalid', error.message)
    throw error
  }
  return count
}
