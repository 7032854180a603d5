// A real outside system to lend from: a Redis server of the test's own, whose users are the accounts.
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createConnection, type Socket } from 'node:net'
import { join } from 'node:path'
import { Fault } from '../base/fault.ts'
import type { Outside } from './lender.ts'

/** What the lender logs in as, so that a test can take its rights away. */
const LENDER = 'lender'
const PASSWORD = 'lender-password'
const USERS = `user default on nopass ~* &* +@all\nuser ${LENDER} on >${PASSWORD} ~* &* +@all\n`

export interface Redis {
  readonly socket: string
  /** Names of the accounts that are there. */
  names(): Promise<string[]>
  /** Whether the lender may do anything. */
  permit(yes: boolean): Promise<void>
  /** Stops answering, and goes on with all that was asked meanwhile. */
  pause(): void
  resume(): void
  /** Ends without a goodbye; `start` brings it back with the accounts it had at the last `save`. */
  save(): Promise<void>
  crash(): Promise<void>
  start(): Promise<void>
}

/** In a folder of its own, on a socket in it. */
export async function openRedis(folder: string): Promise<Redis> {
  const socket = join(folder, 'redis.sock')
  writeFileSync(join(folder, 'users.acl'), USERS)
  let server: ChildProcess
  let admin: Connection

  async function start(): Promise<void> {
    const options = [
      '--port',
      '0',
      '--unixsocket',
      socket,
      '--dir',
      folder,
      '--save',
      '',
      '--appendonly',
      'no',
      '--aclfile',
      join(folder, 'users.acl'),
    ]
    server = spawn('redis-server', options, { stdio: 'ignore' })
    for (let tries = 0; ; tries++) {
      admin = new Connection(socket)
      try {
        await admin.ask('PING')
        return
      } catch (error) {
        if (tries === 200) throw error
        await new Promise((resolve) => setTimeout(resolve, 25))
      }
    }
  }

  await start()
  return {
    socket,
    start,
    async names() {
      const names = (await admin.ask('ACL', 'USERS')) as string[]
      return names.filter((name) => name !== 'default' && name !== LENDER).sort()
    },
    permit: async (yes) => void (await admin.ask('ACL', 'SETUSER', LENDER, yes ? '+@all' : '-@all')),
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    save: async () => void (await admin.ask('ACL', 'SAVE')),
    async crash() {
      const over = new Promise((resolve) => server.once('exit', resolve))
      admin.close()
      server.kill('SIGKILL')
      await over
    },
  }
}

/** The accounts of a server, as a module lends them. One connection, made again when it breaks. */
export function redisAccounts(socket: string): Outside & { close(): void } {
  let connection: Connection | undefined

  async function ask(signal: AbortSignal | undefined, ...words: string[]): Promise<unknown> {
    if (!connection || connection.broken) {
      connection = new Connection(socket)
      connection.ask('AUTH', LENDER, PASSWORD).catch(() => {})
    }
    const one = connection
    // What was sent is with the server, whether or not its answer is awaited any longer.
    signal?.addEventListener('abort', () => one.close(), { once: true })
    return one.ask(...words)
  }

  return {
    add: async (name, password, { signal }) => void (await ask(signal, 'ACL', 'SETUSER', name, 'reset', 'on', `>${password}`, '~*', '+@read')),
    async prolong(name, { signal }) {
      if (!(await ask(signal, 'ACL', 'GETUSER', name))) throw new Fault('invalid', `no such account: ${name}`)
    },
    remove: async (name, signal) => void (await ask(signal, 'ACL', 'DELUSER', name)),
    close: () => connection?.close(),
  }
}

interface Waiting {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: Error) => void
}

/** Requests and replies in order (RESP 2). */
class Connection {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #received = Buffer.alloc(0)
  broken = false

  constructor(path: string) {
    this.#socket = createConnection(path)
    this.#socket.on('data', (chunk) => this.#take(chunk))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#end())
  }

  ask(...words: string[]): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.broken) return reject(away())
      this.#waiting.push({ resolve, reject })
      this.#socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    })
  }

  close(): void {
    this.#socket.destroy()
    this.#end()
  }

  #end(): void {
    this.broken = true
    for (const { reject } of this.#waiting.splice(0)) reject(away())
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk])
    for (let reply = parse(this.#received, 0); reply; reply = parse(this.#received, 0)) {
      this.#received = this.#received.subarray(reply.end)
      const one = this.#waiting.shift()
      if (reply.value instanceof Error) one?.reject(reply.value)
      else one?.resolve(reply.value)
    }
  }
}

function away(): Fault {
  return new Fault('unavailable', 'the connection is lost')
}

/** Undefined where the rest is still to come. */
function parse(bytes: Buffer, from: number): { value: unknown; end: number } | undefined {
  const line = bytes.indexOf('\r\n', from)
  if (line < 0) return undefined
  const [kind, rest, end] = [bytes.toString('latin1', from, from + 1), bytes.toString('utf8', from + 1, line), line + 2]
  if (kind === '+' || kind === ':') return { value: rest, end }
  if (kind === '-') return { value: new Fault('invalid', rest), end }
  const count = Number(rest)
  if (count < 0) return { value: undefined, end }
  if (kind === '$') return bytes.length < end + count + 2 ? undefined : { value: bytes.toString('utf8', end, end + count), end: end + count + 2 }
  const items: unknown[] = []
  let at = end
  for (let n = 0; n < count; n++) {
    const item = parse(bytes, at)
    if (!item) return undefined
    items.push(item.value)
    at = item.end
  }
  return { value: items, end: at }
}
