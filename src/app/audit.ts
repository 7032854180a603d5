// Audit put together: the devices with their ways out, the headers that are recorded, and the chain that vouches for it all.
import { type ChainKey, openChainKey } from '../audit/chain-key.ts'
import type { DeviceSpec } from '../audit/device.ts'
import { type Devices, openDevices } from '../audit/devices.ts'
import { type AuditedHeaders, openAuditedHeaders } from '../audit/headers.ts'
import { type Heads, openHeads } from '../audit/heads.ts'
import { openRecording, type Recording } from '../audit/recording.ts'
import type { Trail } from '../audit/record.ts'
import { type AuditView, openAuditView } from '../audit/view.ts'
import { orphanage, sinkOpener } from '../audit/sinks.ts'
import type { Space } from '../store/space.ts'
import type { AuditState } from '../sys/state.ts'
import { RUNNING_VERSION } from '../sys/version.ts'
import type { KernelDeps } from './kernel.ts'

/** What the configuration says of audit. */
export interface AuditSettings {
  readonly devices: readonly DeviceSpec[]
  readonly apiCreation: boolean
  /** Folders that audit files must lie in; anywhere where unset. */
  readonly folders: readonly string[] | undefined
}

export const AUDIT_DEFAULTS: AuditSettings = { devices: [], apiCreation: true, folders: undefined }

export interface Audit {
  readonly devices: Devices
  readonly headers: AuditedHeaders
  readonly key: ChainKey
  readonly heads: Heads
  readonly view: AuditView
  record(trail: Trail): Recording
  state(): AuditState
  /** Ships what killed processes left unsent. */
  sweep(): void
  close(): Promise<void>
}

export function openAudit({ ports, log: whole, metrics, audit, spools }: KernelDeps, space: Space): Audit {
  const log = whole.named('audit')
  const heads = openHeads(space)
  const key = openChainKey(space, ports.random)
  const headers = openAuditedHeaders(space)
  const sinks = { ports, log, meter: metrics.audit, heads, signer: key.signer, folders: audit.folders, spools }
  const orphans = orphanage(sinks)
  const devices = openDevices({
    space,
    clock: ports.clock,
    random: ports.random,
    log,
    meter: metrics.audit,
    open: sinkOpener(sinks),
    declared: audit.devices,
    apiCreation: audit.apiCreation,
    prepare: key.ensure,
    removed: heads.drop,
  })
  metrics.audit.watch(devices.health)
  return {
    devices,
    headers,
    key,
    heads,
    view: openAuditView({ ...ports, devices }),
    record: (trail) => openRecording({ devices, headers, clock: ports.clock, version: RUNNING_VERSION }, trail),
    state() {
      const all = devices.health()
      const count = (of: 'failing' | 'stalled') => all.filter((one) => one[of] !== undefined).length
      return { devices: all.length, failing: count('failing'), stalled: count('stalled') }
    },
    sweep: () => orphans.sweep(devices.live()),
    async close() {
      metrics.audit.watch(undefined)
      await Promise.all([devices.close(), orphans.close()])
    },
  }
}
