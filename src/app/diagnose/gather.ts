// Gathers the facts of a diagnosis: the only part of it that looks at the system.
import { X509Certificate } from 'node:crypto'
import { readFileSync, statfsSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { isObject } from '../../base/json.ts'
import { Failure, fileProblem } from '../../cli/failure.ts'
import type { AskServer } from '../../cli/ports.ts'
import { SIGNET_VERSION } from '../../sys/version.ts'
import { readConfig } from '../config/check.ts'
import type { Config } from '../config/config.ts'
import { ports } from '../ports.ts'
import type { CertificateFact, Facts, FileFact, FileKind, MachineFact } from './facts.ts'
import { processFact, swapFacts } from './processes.ts'
import { serverFact } from './server-facts.ts'

export async function gather(paths: readonly string[], ask: AskServer): Promise<Facts> {
  const { config, problem, sources } = attemptConfig(paths)
  const server = await serverFact(ask, ports.clock.now)
  const audit = auditFiles(config, server?.audit)
  return {
    config,
    configProblem: problem,
    sources,
    files: [
      ...programFiles().map((path) => fileFact('program', path)),
      ...sources.flatMap((path) => [fileFact('config', path), fileFact('config', dirname(resolve(path)))]),
      ...(config ? storageFiles(config) : []),
      ...audit.map((path) => fileFact('audit', path)),
    ],
    certificates: config ? certificates(config) : [],
    process: processFact(config && runningPid(config)),
    machine: { swaps: swapFacts(), disks: disks(config, audit) },
    versions: { signet: SIGNET_VERSION, node: process.versions.node },
    server,
  }
}

function attemptConfig(paths: readonly string[]): { config?: Config; problem?: string; sources: readonly string[] } {
  try {
    const { config, files } = readConfig(paths)
    return { config, sources: files }
  } catch (error) {
    if (error instanceof Failure) return { problem: error.message, sources: paths }
    throw error
  }
}

function programFiles(): string[] {
  const here = import.meta.filename
  return [here, dirname(here), process.execPath]
}

function storageFiles({ storagePath, listeners }: Config): FileFact[] {
  const tls = listeners.flatMap((one) => (one.tls ? [one.tls] : []))
  return [fileFact('storage', storagePath), fileFact('storage', join(storagePath, 'data.mdb')), ...tls.map(({ keyFile }) => fileFact('key', keyFile))]
}

function certificates({ listeners }: Config): CertificateFact[] {
  return listeners.flatMap(({ tls }) => {
    try {
      if (!tls) return []
      const { validTo, publicKey } = new X509Certificate(readFileSync(tls.certFile))
      const daysLeft = Math.floor((Date.parse(validTo) - ports.clock.now()) / 86_400_000)
      return [{ path: tls.certFile, daysLeft, rsaBits: publicKey.asymmetricKeyDetails?.modulusLength }]
    } catch {
      return [] // a check of the key's file says that it can't be read
    }
  })
}

/** Those of the devices that the server has, and those that the configuration names. */
function auditFiles(config: Config | undefined, devices: object | undefined): string[] {
  const named = (config?.effect.within ?? []).filter(({ name }) => name === 'audit').map(({ values }) => values['options'])
  const enabled = Object.values(devices ?? {}).map((device: unknown) =>
    isObject(device as never) ? (device as { options?: unknown }).options : undefined,
  )
  const paths = [...named, ...enabled].map((options) => (options as { file_path?: unknown } | undefined)?.file_path)
  return [...new Set(paths.filter((path): path is string => typeof path === 'string' && path.startsWith('/')))]
}

function fileFact(kind: FileKind, path: string): FileFact {
  try {
    const { mode, uid, gid } = statSync(path)
    return { kind, path, folder: (mode & 0o170000) === 0o040000, mode: mode & 0o7777, uid, gid }
  } catch (error) {
    return { kind, path, problem: fileProblem(error) }
  }
}

/** The server on this storage, by its lock file, where it still runs. */
function runningPid({ storagePath }: Config): number | undefined {
  try {
    const pid = Number(readFileSync(join(storagePath, 'server.lock'), 'utf8'))
    return Number.isSafeInteger(pid) && pid > 0 && statSync(`/proc/${pid}`) ? pid : undefined
  } catch {
    return undefined
  }
}

function disks(config: Config | undefined, audit: readonly string[]): MachineFact['disks'] {
  const wanted = [...(config ? [['storage', config.storagePath] as const] : []), ...audit.map((path) => ['audit', dirname(path)] as const)]
  return wanted.flatMap(([what, path]) => {
    try {
      const { bsize, blocks, bavail } = statfsSync(path)
      return [{ what, path, total: bsize * blocks, free: bsize * bavail }]
    } catch {
      return []
    }
  })
}
