// A command line in memory: a scripted server, files in a map, and what was printed.
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { openAgentAdmin } from '../app/agent-admin-client.ts'
import { openWorkloadApi } from '../app/agent-client.ts'
import { openBrokerApi } from '../app/broker-client.ts'
import { openOfflineDatabase } from '../app/offline-database.ts'
import { openOfflineSnapshot } from '../app/offline-snapshot.ts'
import { runCli } from '../cli/run.ts'
import type { AgentOptions, CliPorts, Finding, ServerOptions } from '../cli/ports.ts'
import type { HttpRequest, HttpResponse } from '../client/request.ts'

/** Answers by `METHOD path?query`, without `/v1/`: a body for status 200, a status alone, or both. */
export type Script = Readonly<Record<string, number | object | readonly [status: number, body: unknown]>>

export interface Given {
  readonly script?: Script
  readonly env?: Readonly<Record<string, string>>
  readonly files?: Readonly<Record<string, string>>
  readonly stdin?: string
  /** What is typed when a secret is asked for; nobody is there, unless given. */
  readonly typed?: string
  /** Standard output is a terminal. */
  readonly tty?: true
  /** What a stream says before it is over. */
  readonly stream?: readonly string[]
  readonly findings?: readonly Finding[]
  /** What happens in a pause, and after a signal; the command ends where it throws. */
  readonly sleep?: () => Promise<void>
  readonly signalled?: () => void
  /** Is told of each file that was written. */
  readonly written?: (path: string) => void
  /** What every connection fails with: a code such as ECONNREFUSED. */
  readonly broken?: string
}

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  readonly files: ReadonlyMap<string, string>
  readonly modes: ReadonlyMap<string, number>
  readonly requests: readonly HttpRequest[]
  /** `METHOD path body` of each request. */
  readonly sent: readonly string[]
  readonly started: readonly ServerOptions[]
  readonly startedAgents: readonly AgentOptions[]
  /** `NAME pid` of each signal that was sent. */
  readonly signals: readonly string[]
}

/** Runs `signet …`; `line` is split at spaces, an array is taken as it is. */
export async function runWith(line: string | readonly string[], given: Given = {}): Promise<Ran> {
  const printed = { out: '', err: '' }
  const files = new Map(Object.entries(given.files ?? {}))
  const modes = new Map<string, number>()
  const requests: HttpRequest[] = []
  const started: ServerOptions[] = []
  const startedAgents: AgentOptions[] = []
  const signals: string[] = []
  const print = (to: 'out' | 'err') => (text: string | Uint8Array) =>
    void (printed[to] += typeof text === 'string' ? text : Buffer.from(text).toString())
  const ports: CliPorts = {
    random: { bytes: randomBytes },
    env: { VAULT_ADDR: 'http://server', VAULT_TOKEN: 'root', ...given.env },
    stdin: {
      isTTY: given.typed !== undefined,
      read: async () => Buffer.from(given.stdin ?? ''),
      readSecret: async () => given.typed ?? Promise.reject(new Error('standard input is not a terminal')),
    },
    stdout: { isTTY: given.tty === true, write: print('out') },
    stderr: { isTTY: false, write: print('err') },
    files: {
      read: async (path) => Buffer.from(files.get(path) ?? absent()),
      async *chunks(path) {
        yield Buffer.from(files.get(path) ?? absent())
      },
      list: async (path) => [...files.keys()].filter((name) => name.startsWith(`${path}/`)).map((name) => name.slice(path.length + 1)),
      async write(path, text, mode) {
        files.set(path, text)
        modes.set(path, mode)
        given.written?.(path)
      },
      async remove(path) {
        files.delete(path)
      },
      async save(path, chunks, mode, check) {
        const written: Uint8Array[] = []
        for await (const chunk of chunks) written.push(chunk)
        await check(Readable.from(written))
        files.set(path, Buffer.concat(written).toString('latin1'))
        modes.set(path, mode)
      },
    },
    home: '/home/ann',
    async request(request) {
      requests.push(request)
      if (given.broken !== undefined) throw Object.assign(new Error(given.broken), { code: given.broken })
      return answer(given.script ?? {}, request)
    },
    listen: async (request, hear) => {
      requests.push(request)
      const said = given.stream
      if (!said) return answer(given.script ?? {}, request)
      for (const text of said) hear(text)
      return 'over'
    },
    sleep: async () => given.sleep?.(),
    signal(pid, name) {
      signals.push(`${name} ${pid}`)
      given.signalled?.()
    },
    version: '1.2.3',
    format: { policy: (text) => `formatted ${text}` },
    sudoPaths: async () => ['sys/seal', 'sys/auth/*path', 'sys/audit'],
    diagnose: async () => given.findings ?? [],
    checkConfig: (paths) => ({ notes: ['a note'], hcl: `files = ${JSON.stringify(paths)}`, json: { files: [...paths] } }),
    openDatabase: openOfflineDatabase,
    openSnapshot: openOfflineSnapshot,
    openAgentAdmin: async (path) => openAgentAdmin(path),
    openWorkloadApi: async (endpoint) => openWorkloadApi(endpoint),
    openBrokerApi: async (options) => openBrokerApi(options),
    async startAgent(options) {
      startedAgents.push(options)
      return 0
    },
    async startServer(options) {
      started.push(options)
      return 0
    },
  }
  const code = await runCli(typeof line === 'string' ? line.split(' ') : line, ports)
  return { code, ...printed, files, modes, requests, sent: requests.map(describe), started, startedAgents, signals }
}

function absent(): never {
  throw Object.assign(new Error('absent'), { code: 'ENOENT' })
}

function name({ method, url }: HttpRequest): string {
  return `${method} ${url.replace(/^.*?\/v1\//, '')}`
}

function describe(request: HttpRequest): string {
  return request.body ? `${name(request)} ${Buffer.from(request.body).toString()}` : name(request)
}

/** What the script does not name is not there. */
function answer(script: Script, request: HttpRequest): HttpResponse {
  const said = script[name(request)] ?? 404
  const [status, body] = typeof said === 'number' ? [said, said === 204 ? '' : { errors: [] }] : Array.isArray(said) ? said : [200, said]
  return { status, headers: {}, body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }
}
