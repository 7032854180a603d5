// The development server: everything in one process and in memory, initialised, unsealed, with KV at secret/.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../base/fault.ts'
import { isObject, parseJson } from '../base/json.ts'
import { parsePath } from '../base/path.ts'
import { Secret } from '../base/secret.ts'
import type { DevOptions } from '../cli/ports.ts'
import { barrier } from '../seal/barrier.ts'
import { Keyring } from '../seal/keyring.ts'
import type { ServerPort } from '../sys/server.ts'
import { memory } from '../store/memory.ts'
import type { Logs } from '../telemetry/log.ts'
import { type Metrics, openMetrics } from '../telemetry/metrics.ts'
import { AUDIT_DEFAULTS } from './audit.ts'
import { bootstrap } from './bootstrap.ts'
import { SYSTEM_TTL } from './config/config.ts'
import { type DevAgent, devTrustDomain, openDevAgent, type Write } from './dev-agent.ts'
import { nodeFolder } from './files.ts'
import { harden } from './hardening.ts'
import type { Kernel } from './kernel.ts'
import { ports } from './ports.ts'
import { openNamespaceSeals } from './namespace-seals.ts'
import { openSealParts } from './seal-parts.ts'
import { openSealPort } from './seal-port.ts'
import { openServerPort } from './server-port.ts'
import { openSelf } from './self.ts'
import { openServing, type Serving } from './serving.ts'
import { stageInMemory } from './staging.ts'

export interface Dev {
  readonly serving: Serving
  readonly address: string
  readonly rootToken: string
  /** In base64. */
  readonly unsealKey: string
  readonly agent: DevAgent | undefined
  close(): Promise<void>
}

const SETTINGS = { defaultLeaseTtl: SYSTEM_TTL, maxLeaseTtl: SYSTEM_TTL, audit: AUDIT_DEFAULTS }

export async function openDev(options: DevOptions, logs: Logs): Promise<Dev> {
  harden()
  const trustDomain = options.trustDomain === undefined ? undefined : devTrustDomain(options.trustDomain)
  const store = memory({ timers: ports.timers })
  const keyring = new Keyring()
  const parts = openSealParts(store, keyring, ports, logs.log)
  const { sealer } = parts
  let rootToken = ''
  const prepare = async (inside: Parameters<typeof bootstrap>[0]) => {
    rootToken = await bootstrap(inside, ports, options.rootTokenId)
  }
  const [share] = await sealer.init({ shares: 1, threshold: 1, prepare })
  if (!share) throw new Error('no share was made')
  const unsealKey = share.toString('base64')
  await sealer.unseal(share)
  const metrics = openMetrics(openSelf())
  const seal = openSealPort(parts, {
    unsealed: async () => metrics.unsealed(true),
    sealed: () => forget(),
    extended: async () => {}, // there is one keyring only
    activated: async () => {},
    unspent: async (term) => serving.kernel.unspent(term),
  })
  const namespaces = openNamespaceSeals(barrier(store, keyring, ports.random), ports, () => [serving.kernel])
  const home = mkdtempSync(join(tmpdir(), 'signet-dev-'))
  const serving = await openServing({
    store,
    storageType: 'inmem',
    keyring,
    seal,
    ...namespaces.parts,
    log: logs.log,
    metrics,
    server: serverOf(options, logs, metrics, () => serving.kernel),
    stage: async () => stageInMemory(store, ports, () => seal.seal()),
    settings: { ...SETTINGS, listeners: [{ address: options.listenAddress }] },
    spools: nodeFolder(join(home, 'audit-spool')),
    print: ports.print,
  })
  const forget = async () => {
    metrics.unsealed(false)
    const forgotten = serving.kernel.forget()
    keyring.wipe()
    namespaces.forget()
    await forgotten
  }
  serving.lead()
  const write = writingTo(serving.kernel, rootToken)
  const version = options.kvV1 ? '1' : '2'
  await write('sys/mounts/secret', { type: 'kv', description: 'key/value secret storage', options: { version } })
  const agent = trustDomain && (await openDevAgent(trustDomain, home, serving.kernel, write, logs.log))
  const close = async () => {
    await agent?.close()
    await serving.close()
    rmSync(home, { recursive: true, force: true })
  }
  return { serving, address: addressOf(serving), rootToken, unsealKey, agent, close }
}

function addressOf({ listeners: [listener] }: Serving): string {
  return `http://${listener?.host.includes(':') ? `[${listener.host}]` : listener?.host}:${listener?.port}`
}

/** This process is all there is. */
function serverOf({ listenAddress }: DevOptions, logs: Logs, metrics: Metrics, kernel: () => Kernel): ServerPort {
  const listener = { name: 'listener', labels: ['tcp'], values: { address: listenAddress, tls_disable: true }, within: [] }
  const effect = { name: '', labels: [], values: {}, within: [listener, { name: 'storage', labels: ['inmem'], values: {}, within: [] }] }
  const configuration = { effect, logLevel: logs.levels().core, storagePath: undefined }
  return openServerPort({
    logs,
    configuration: () => configuration,
    snapshots: async () => [await metrics.snapshot()],
    inFlight: async () => kernel().inFlight(),
    setLevels: async (levels) => logs.setLevels(levels),
  })
}

/** As a client would do it. */
function writingTo(kernel: Kernel, rootToken: string): Write {
  return async (path, body) => {
    const { status, body: answer } = await kernel.handle({
      id: 'dev',
      at: ports.clock.now(),
      verb: 'write',
      path: parsePath(path),
      namespace: '',
      query: {},
      body: Buffer.from(JSON.stringify(body)),
      contentType: 'application/json',
      token: new Secret(rootToken),
      peer: { address: '127.0.0.1', port: 0 },
      wrapTtl: undefined,
    })
    if (status >= 300) throw new Fault('internal', `${path} could not be written: ${status}`)
    const parsed = answer.length > 0 ? parseJson(answer) : {}
    return isObject(parsed) && isObject(parsed['data']) ? parsed['data'] : {}
  }
}
