// A remote audit device with real sockets, timers and files, and servers that take what it sends, or do not.
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { createServer, type AddressInfo, type ListenOptions, type Socket } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { nodeFolder } from '../../src/app/files.ts'
import { ports } from '../../src/app/ports.ts'
import { openChain } from '../../src/audit/chain.ts'
import type { Device } from '../../src/audit/device.ts'
import { parseOptions } from '../../src/audit/options.ts'
import { Orphans, RemoteSink, type RemoteWay } from '../../src/audit/remote.ts'
import type { Report } from '../../src/audit/verify.ts'
import { silent } from '../../src/base/log.ts'
import { keyIdOf } from '../../src/crypto/signature.ts'
import { verifyTexts } from '../../src/testing/audit-log.ts'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const keyId = keyIdOf(publicKey)
let chains = 0

export const device: Device = {
  id: 'the-device',
  path: 'remote/',
  type: 'socket',
  description: '',
  options: {},
  local: false,
  salt: '00',
  declared: false,
}

export function wayOf(type: 'socket' | 'syslog', options: Record<string, string>): RemoteWay {
  return parseOptions(type, options).way as RemoteWay
}

/** Spools lie in `spools` below `at`; sinks over the same folder are those of one server's processes. */
export function openSink(at: string, way: RemoteWay): RemoteSink {
  const deps = { ports, folder: spools(at), log: silent }
  const chain = openChain(`chain${++chains}`, { key: privateKey, keyId })
  return new RemoteSink(device, way, deps, { ...ports, chain, device: device.path, others: () => [], signed: async () => {} })
}

export function openOrphans(at: string): Orphans {
  return new Orphans({ ports, folder: spools(at), log: silent })
}

export function spools(at: string) {
  mkdirSync(join(at, 'spools'), { recursive: true })
  return nodeFolder(join(at, 'spools'))
}

export const record = (n: number, padding = 0) =>
  `{"time":"2030-01-02T03:04:05.678Z","type":"request","request":{"id":"${n}","pad":"${'x'.repeat(padding)}"}}`

/** The numbers of the records among these lines, in order. */
export function numbers(lines: readonly string[]): number[] {
  return lines.flatMap((line) => /"request":\{"id":"(\d+)"/.exec(line)?.[1] ?? []).map(Number)
}

export function verified(lines: readonly string[]): Report {
  return verifyTexts(new Map([['', lines.map((line) => `${line}\n`).join('')]]), { key: { id: keyId, key: publicKey } })
}

export interface Taker {
  readonly address: string
  /** Whole lines that came, of all connections. */
  readonly lines: string[]
  readonly sockets: Set<Socket>
  /** Resolves when so many records, each counted once, have come. */
  until(records: number): Promise<void>
  close(): Promise<void>
}

/** A server of lines. `reads: false` takes connections, and nothing from them. */
export async function openTaker(t: TestContext, listen: ListenOptions, reads = true): Promise<Taker> {
  const lines: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('close', () => sockets.delete(socket))
    let rest = ''
    socket.on('data', (chunk) => {
      const parts = (rest + chunk.toString()).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts)
      server.emit('lines')
    })
    if (!reads) socket.pause()
  })
  server.listen(listen)
  await once(server, 'listening')
  const close = async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
  t.after(close)
  const bound = server.address()
  return {
    address: typeof bound === 'string' ? bound : `127.0.0.1:${(bound as AddressInfo).port}`,
    lines,
    sockets,
    async until(records) {
      while (new Set(numbers(lines)).size < records) await once(server, 'lines')
    },
    close,
  }
}

/** Looks again and again, as often as the event loop turns. */
export async function until(what: string, holds: () => boolean, seconds = 60): Promise<void> {
  const late = Date.now() + seconds * 1000
  while (!holds()) {
    if (Date.now() > late) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
