// A throwaway server of Signet's own, for benches that fill it and start it again: its processes, and what they say of themselves.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { usageOf } from './process-tree.ts'

export interface OwnServer {
  /** A folder; the same again is a restart. */
  readonly at: string
  readonly port: number
  /** More of the configuration. */
  readonly config?: string
}

/** Resolves when it answers. */
export async function start({ at, port, config = '' }: OwnServer): Promise<ChildProcess> {
  const file = join(at, 'server.hcl')
  const listener = `listener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`
  writeFileSync(file, `storage "lmdb" { path = "${at}/data" }\n${listener}${config}`)
  const server = spawn(join(import.meta.dirname, '../bin/signet'), ['server', `-config=${file}`, '-log-level=error'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while (server.exitCode === null) {
    try {
      await fetch(`http://127.0.0.1:${port}/v1/sys/seal-status`)
      return server
    } catch {
      await sleep(5)
    }
  }
  throw new Error(`the server ended with ${server.exitCode}`)
}

export async function stopped(server: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => server.once('exit', resolve))
  server.kill('SIGTERM')
  await exit
}

export async function putJson(url: string, body: unknown): Promise<unknown> {
  return (await fetch(url, { method: 'PUT', body: JSON.stringify(body) })).json()
}

export function say(what: string, milliseconds: number): void {
  process.stdout.write(`${what}: ${(milliseconds / 1000).toFixed(2)} s\n`)
}

/** In bytes, shared pages once where that can be read. */
export function memoryOf({ pid }: ChildProcess): number {
  const usage = pid === undefined ? undefined : usageOf(pid)
  return usage?.pssBytes ?? usage?.rssBytes ?? 0
}

export function sayMemory(what: string, server: ChildProcess): void {
  process.stdout.write(`${what}: ${(memoryOf(server) / 1e6).toFixed(0)} MB, all processes, shared pages once\n`)
}
