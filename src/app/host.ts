// The machine, as sys/host-info tells it.
import { statfsSync } from 'node:fs'
import { arch, cpus, freemem, hostname, platform, release, totalmem, type, uptime } from 'node:os'
import type { JsonObject } from '../base/json.ts'

/** `storage` is a folder on the disk to tell of. */
export function hostInfo(storage: string | undefined): JsonObject {
  const total = totalmem()
  const free = freemem()
  return {
    timestamp: new Date().toISOString(),
    host: { hostname: hostname(), kernelArch: arch(), kernelVersion: release(), os: platform(), platform: type(), uptime: Math.floor(uptime()) },
    cpu: cpus().map(({ model, speed }, cpu) => ({ cpu, modelName: model, mhz: speed })),
    memory: { total, free, used: total - free, usedPercent: ((total - free) / total) * 100 },
    disk: storage === undefined ? [] : [diskOf(storage)],
  }
}

function diskOf(path: string): JsonObject {
  const { bsize, blocks, bavail, bfree } = statfsSync(path)
  const total = bsize * blocks
  const used = bsize * (blocks - bfree)
  return { path, total, free: bsize * bavail, used, usedPercent: total === 0 ? 0 : (used / total) * 100 }
}
