// Who else may touch what the server stands on: files that others can change are refused, secrets that others can read are named.
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './config/config.ts'

export interface Modes {
  readonly refusals: readonly Refusal[]
  readonly warnings: readonly string[]
}

/** A reason not to start, and the command that takes it away. */
export interface Refusal {
  readonly text: string
  readonly remedy: string
}

const OTHERS_WRITE = 0o002
const OTHERS_READ = 0o004
const STICKY = 0o1000
const DATABASE = ['data.mdb', 'lock.mdb']

/** What isn't there yet is no problem: the server makes it for itself alone. */
export function checkModes(config: Pick<Config, 'listeners' | 'storagePath'>, configPaths: readonly string[]): Modes {
  const tls = config.listeners.flatMap((listener) => listener.tls ?? [])
  const keys = tls.map(({ keyFile }) => keyFile)
  const certificates = tls.flatMap(({ certFile, clientCaFile }) => [certFile, ...(clientCaFile === undefined ? [] : [clientCaFile])])
  const database = DATABASE.map((name) => join(config.storagePath, name))
  const trusted = [...configPaths, ...keys, ...certificates, ...database, config.storagePath]
  return {
    refusals: [
      ...trusted.filter((path) => has(path, OTHERS_WRITE)).map((path) => refusal(`${path} can be changed by anyone`, 'o-w', path)),
      ...folders(trusted)
        .filter((path) => has(path, OTHERS_WRITE) && !has(path, STICKY))
        .map((path) => refusal(`whoever can change ${path} can replace what is in it`, 'o-w', path)),
      ...database.filter((path) => has(path, OTHERS_READ)).map((path) => refusal(`${path} can be read by anyone`, 'o-rwx', path)),
    ],
    warnings: keys.filter((path) => has(path, OTHERS_READ)).map((path) => `the private key ${path} can be read by anyone`),
  }
}

function refusal(text: string, mode: string, path: string): Refusal {
  return { text, remedy: `chmod ${mode} ${path}` }
}

function folders(paths: readonly string[]): string[] {
  return [...new Set(paths.map(dirname))].filter((path) => !paths.includes(path))
}

function has(path: string, mode: number): boolean {
  return ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & mode) !== 0
}
