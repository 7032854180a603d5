// A whole server in this process: memory store, settable clock, audit lines in an array; called without a network.
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import { type Log, silent } from '../base/log.ts'
import { asFolder, parsePath } from '../base/path.ts'
import type { Folder, Ports, Timers } from '../base/ports.ts'
import { Secret } from '../base/secret.ts'
import type { Answer } from '../contract/answer.ts'
import type { Received, Verb } from '../contract/call.ts'
import { AUDIT_DEFAULTS, type AuditSettings } from '../app/audit.ts'
import { bootstrap } from '../app/bootstrap.ts'
import { type Kernel, type KernelDeps, openKernel } from '../app/kernel.ts'
import { openNamespaceSeals } from '../app/namespace-seals.ts'
import { openSealParts } from '../app/seal-parts.ts'
import { openSealPort } from '../app/seal-port.ts'
import { stageInMemory } from '../app/staging.ts'
import type { ModuleOf } from '../modules.ts'
import { barrier } from '../seal/barrier.ts'
import { Keyring } from '../seal/keyring.ts'
import { SealSet } from '../seal/seal-set.ts'
import type { Sealer } from '../seal/sealer.ts'
import type { Tending } from '../seal/tending.ts'
import type { Seal } from '../seal/wrapper.ts'
import type { FetchBundle } from '../spiffe/federation.ts'
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { ServerPort } from '../sys/server.ts'
import { allAt, parseLevel } from '../telemetry/log.ts'
import { exposition, measurements } from '../telemetry/exposition.ts'
import { type Metrics, openMetrics } from '../telemetry/metrics.ts'
import { type SettableClock, settableClock, stillTimers } from './clock.ts'
import { memoryFiles, type MemoryFiles } from './files.ts'

export interface WorldOptions {
  readonly store?: Store
  /** Leaves it as new: not initialised. */
  readonly blank?: boolean
  /** Modules besides the built-in ones. */
  readonly modules?: ModuleOf
  /** Timers that fire; none do, unless given. */
  readonly timers?: Timers
  readonly audit?: Partial<AuditSettings>
  /** Where records wait for remote sinks; there are none unless it is given. */
  readonly spools?: Folder
  /** A restart of this one: its store and files, unsealed with its share. */
  readonly after?: World
  /** Seals that open it by themselves. */
  readonly seals?: readonly Seal[]
  /** Fetches the bundles of foreign trust domains; they can't be fetched otherwise. */
  readonly fetchBundle?: FetchBundle
  readonly attestationRate?: number | undefined
  /** Where log lines go; nowhere otherwise. */
  readonly log?: Log
}

export interface Said {
  readonly status: number
  /** The parsed JSON body; undefined for an empty one. */
  readonly body: any
  readonly answer: Answer
}

export type CallOptions = Partial<Omit<Received, 'token'>> & { readonly token?: string | undefined; readonly kernel?: Kernel }

export interface World {
  readonly clock: SettableClock
  readonly store: Store
  readonly kernel: Kernel
  readonly server: ServerPort
  readonly sealer: Sealer
  readonly tending: Tending
  readonly keyring: Keyring
  /** The store behind the barrier. */
  readonly inside: Store
  readonly rootToken: string
  /** A key share that unseals by itself. */
  readonly share: Buffer
  /** Another kernel over the same store and keys, as another process has one. */
  twin(): Kernel
  readonly files: MemoryFiles
  /** The records in the audit file of this name, or printed for `stdout`, parsed; checkpoints are left out. */
  audit(path: string): any[]
  /** What a write to an audit file throws from now on, or after so many more that pass. */
  breakAudit(error: Error | undefined, passing?: number): void
  /** Calls with the root token unless `token` says otherwise; `data` is the body of writes and the query of the rest. */
  call(verb: Verb, path: string, data?: JsonObject, options?: CallOptions): Promise<Said>
  /** Like call, and throws unless the status is one of success. */
  ok(verb: Verb, path: string, data?: JsonObject, options?: CallOptions): Promise<any>
  close(): Promise<void>
}

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const clock = settableClock()
  const { after } = options
  const files = after?.files ?? memoryFiles()
  const printed: string[] = []
  /** What was parsed of each audit file, so that a test may ask often. */
  const parsed = new Map<string, { readonly length: number; readonly records: readonly any[] }>()
  const ports: Ports = {
    clock,
    timers: options.timers ?? stillTimers,
    random: { bytes: (size) => randomBytes(size) },
    files,
    sockets: { connect: () => Promise.reject(new Error('there are no sockets here')) },
    print: async (text) => void printed.push(text),
    host: 'world',
  }
  const store = options.store ?? after?.store ?? memory({ timers: ports.timers })
  const keyring = new Keyring()
  const parts = openSealParts(store, keyring, ports, silent, new SealSet(options.seals ?? [], silent))
  const { sealer, tending } = parts
  const metrics = openMetrics({ monotonic: clock.monotonic, residentBytes: () => 0, heapBytes: () => 0, lagMs: () => 0 })
  const seal = openSealPort(parts, {
    unsealed: async () => {},
    async sealed() {
      namespaces.forget()
      await kernel.forget()
    },
    extended: async () => {},
    activated: async () => {},
    unspent: async (term) => kernel.unspent(term),
  })
  const inside = barrier(store, keyring, ports.random)
  const kernels: Kernel[] = []
  const namespaces = openNamespaceSeals(inside, ports, () => kernels)
  const opened = (): Kernel => {
    const one = openKernel(kernelDeps)
    kernels.push(one)
    return one
  }
  const kernelDeps: KernelDeps = {
    ports,
    store,
    keyring,
    seal,
    ...namespaces.parts,
    log: options.log ?? silent,
    metrics,
    server: serverOf(metrics, clock, () => kernel),
    stage: async () => stageInMemory(store, ports, () => seal.seal()),
    storageType: 'inmem',
    spools: options.spools ?? NO_FOLDER,
    audit: { ...AUDIT_DEFAULTS, ...options.audit },
    defaultLeaseTtl: 2_764_800,
    maxLeaseTtl: 2_764_800,
    ...(options.modules ? { modules: options.modules } : {}),
    ...(options.fetchBundle ? { fetchBundle: options.fetchBundle } : {}),
    attestationRate: options.attestationRate,
  }
  const kernel = opened()
  const { rootToken, share } = await begin(options, sealer, ports)

  async function call(verb: Verb, path: string, data: JsonObject = {}, given: CallOptions = {}): Promise<Said> {
    const { token = rootToken, kernel: by = kernel, ...rest } = given
    const canon = parsePath(path)
    const hasBody = verb === 'write' || verb === 'patch'
    const answer = await by.handle({
      id: `request-${randomBytes(4).toString('hex')}`,
      at: clock.now(),
      verb,
      path: verb === 'list' || verb === 'scan' ? asFolder(canon) : canon,
      namespace: '',
      query: hasBody ? {} : data,
      body: hasBody ? Buffer.from(JSON.stringify(data)) : Buffer.alloc(0),
      contentType: 'application/json',
      peer: { address: '127.0.0.1', port: 40_000 },
      wrapTtl: undefined,
      ...rest,
      token: token === '' ? undefined : new Secret(token),
    })
    const text = answer.body.toString()
    const json = text.startsWith('{') ? JSON.parse(text) : text
    return { status: answer.status, body: text === '' ? undefined : json, answer }
  }

  return {
    clock,
    store,
    kernel,
    server: kernelDeps.server,
    sealer,
    tending,
    keyring,
    inside,
    rootToken,
    share,
    twin: opened,
    files,
    audit(path) {
      const text = path === 'stdout' ? printed.join('') : files.text(path)
      const before = parsed.get(path)
      const known = before && before.length <= text.length ? before : { length: 0, records: [] }
      const lines = text.slice(known.length).split('\n').filter(Boolean)
      const records = [...known.records, ...lines.map((line) => JSON.parse(line)).filter(({ type }) => type !== 'checkpoint')]
      parsed.set(path, { length: text.length, records })
      return [...records]
    },
    breakAudit: (error, passing = 0) => files.breakAt(error, 0, passing),
    call,
    async ok(verb, path, data, given) {
      const { status, body } = await call(verb, path, data, given)
      if (status >= 300) throw new Error(`${verb} ${path}: ${status} ${JSON.stringify(body)}`)
      return body
    },
    async close() {
      await kernel.forget()
      keyring.close()
      await store.close()
    },
  }
}

/** A server of one process, whose log goes nowhere. */
function serverOf(metrics: Metrics, clock: SettableClock, kernel: () => Kernel): ServerPort {
  let levels = allAt('info')
  return {
    hostname: 'world',
    configuration: () => ({ log_level: 'info' }),
    exposition: async () => exposition([await metrics.snapshot()]),
    measurements: async () => measurements([await metrics.snapshot()], clock.now()),
    inFlight: async () => kernel().inFlight(),
    levels: () => levels,
    async setLevel(logger, level) {
      const to = level === undefined ? 'info' : parseLevel(level)
      levels = logger === undefined ? allAt(to) : { ...levels, [logger]: to }
    },
    host: async () => ({ host: { hostname: 'world' } }),
  }
}

const absent = (): never => {
  throw new Error('there is no folder here')
}
const NO_FOLDER: Folder = {
  path: '',
  list: () => [],
  make: absent,
  open: absent,
  readText: () => '',
  writeText: absent,
  remove() {},
  lock: () => undefined,
}

async function begin({ blank, after }: WorldOptions, sealer: Sealer, ports: Ports): Promise<{ rootToken: string; share: Buffer }> {
  if (blank) return { rootToken: '', share: Buffer.alloc(0) }
  if (!after) return initialise(sealer, ports)
  await sealer.unseal(Buffer.from(after.share))
  return { rootToken: after.rootToken, share: after.share }
}

async function initialise(sealer: Sealer, ports: Ports): Promise<{ rootToken: string; share: Buffer }> {
  let rootToken = ''
  const prepare = async (inside: Store) => {
    rootToken = await bootstrap(inside, ports)
  }
  const [made] = await sealer.init({ shares: 1, threshold: 1, prepare })
  const share = Buffer.from(made as Buffer)
  await sealer.unseal(made as Buffer)
  return { rootToken, share }
}
