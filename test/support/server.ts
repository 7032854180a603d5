// Real servers for tests: the built program in its own process, on a port of its own, gone when the test is.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

export const SIGNET = join(import.meta.dirname, '../../bin/signet')

/** A folder that is removed when the test ends. */
export function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'signet-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true, maxRetries: 10 }))
  return path
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A development server whose root token is `root`. Resolves to its address. */
export async function devServer(t: TestContext): Promise<string> {
  const port = await freePort()
  const home = folder(t)
  start(t, ['dev', '-dev-root-token-id=root', `-dev-listen-address=127.0.0.1:${port}`], { HOME: home })
  const address = `http://127.0.0.1:${port}`
  await answering(address)
  return address
}

export interface Production {
  readonly address: string
  readonly process: ChildProcess
  readonly config: string
}

export interface ProductionOptions {
  /** The same folder again is a restart. */
  readonly at: string
  readonly workers?: number
  readonly port?: number
  /** More of the configuration. */
  readonly config?: string
  /** More lines of the listener's stanza. */
  readonly listener?: string
  readonly env?: Readonly<Record<string, string>>
  /** More of its arguments. */
  readonly args?: readonly string[]
  /** Takes what it prints. */
  readonly printed?: (text: string) => void
}

/** A server with a store on disk, as `signet server -config` starts it. */
export async function productionServer(t: TestContext, options: ProductionOptions): Promise<Production> {
  const { at, workers = 2, port, config: more = '', listener = '', env = {}, args = [], printed } = options
  const listen = port ?? (await freePort())
  const config = join(at, 'server.hcl')
  writeFileSync(
    config,
    `storage "lmdb" { path = "${at}/data" }
listener "tcp" {
  address = "127.0.0.1:${listen}"
  tls_disable = true
  ${listener}
}
workers = ${workers}
${more}`,
  )
  const child = start(t, ['server', `-config=${config}`, ...args], env, printed)
  const address = `http://127.0.0.1:${listen}`
  await answering(address)
  return { address, process: child, config }
}

/** The program, in a process of its own that is gone when the test is. */
export function start(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  printed?: (text: string) => void,
): ChildProcess {
  const child = spawn(SIGNET, args, { env: { ...process.env, ...env }, stdio: ['ignore', printed ? 'pipe' : 'ignore', 'pipe'], detached: true })
  child.stdout?.setEncoding('utf8').on('data', printed ?? (() => {}))
  const errors: string[] = []
  child.stderr?.on('data', (chunk) => errors.push(String(chunk)))
  t.after(async () => {
    await killed(child)
    if (errors.length > 0) t.diagnostic(errors.join('').slice(-4_000))
  })
  return child
}

/** Kills a server and all its workers, with no time to say goodbye. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return
  const over = child.exitCode !== null || child.signalCode !== null
  const exit = over ? undefined : new Promise((resolve) => child.once('exit', resolve))
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // gone already, with its whole group
  }
  await exit
}

async function answering(address: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      await fetch(`${address}/v1/sys/seal-status`)
      return
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  throw new Error(`no server answers at ${address}`)
}

export interface Answered {
  readonly status: number
  readonly body: any
}

/** One request of the API. */
export async function ask(
  address: string,
  method: string,
  path: string,
  data?: unknown,
  token = 'root',
  headers: Record<string, string> = {},
): Promise<Answered> {
  const response = await fetch(`${address}/v1/${path}`, {
    method,
    headers: { ...(token === '' ? {} : { 'X-Vault-Token': token }), ...headers },
    ...(data === undefined ? {} : { body: JSON.stringify(data) }),
  })
  const text = await response.text()
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
}
