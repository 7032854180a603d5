// What only the supervisor knows: its workers, the database's size, and how long certificates last.
import { X509Certificate } from 'node:crypto'
import { readFileSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { MetricObject } from 'prom-client'
import type { SealHealth } from '../seal/tending.ts'
import { METRICS } from '../telemetry/catalog.ts'
import { openMeters } from '../telemetry/meters.ts'
import type { Config } from './config/config.ts'
import { ports } from './ports.ts'

export interface SupervisorMetrics {
  workerReplaced(): void
  snapshot(): Promise<MetricObject[]>
}

export function openSupervisorMetrics(config: () => Config, workers: () => number, seals: () => readonly SealHealth[]): SupervisorMetrics {
  const meters = openMeters(METRICS)
  const replaced = meters.counter('signet_worker_restarts')
  meters.gauge('signet_workers', (gauge) => gauge.set(workers()))
  meters.gauge('vault_seal_healthy', (gauge) => {
    for (const { name, type, healthy } of seals()) gauge.set({ seal: name, type }, healthy ? 1 : 0)
  })
  meters.gauge('signet_storage_bytes', (gauge) => attempt(() => gauge.set(statSync(join(config().storagePath, 'data.mdb')).size)))
  meters.gauge('signet_storage_free_bytes', (gauge) =>
    attempt(() => {
      const { bavail, bsize } = statfsSync(config().storagePath)
      gauge.set(bavail * bsize)
    }),
  )
  meters.gauge('signet_certificate_seconds', (gauge) => {
    gauge.reset()
    for (const { address, tls } of config().listeners) {
      if (tls) attempt(() => gauge.set({ address }, secondsLeft(tls.certFile)))
    }
  })
  return { workerReplaced: () => replaced.inc(), snapshot: meters.snapshot }
}

/** Of the file as it is now, which may be one that a reload has yet to take. */
function secondsLeft(certFile: string): number {
  return Math.floor((Date.parse(new X509Certificate(readFileSync(certFile)).validTo) - ports.clock.now()) / 1000)
}

/** A number that can't be had is left out, not wrong. */
function attempt(run: () => void): void {
  try {
    run()
  } catch {
    // the metric keeps what it last was
  }
}
