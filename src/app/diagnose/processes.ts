// Facts about a process by the kernel's word (/proc), and about swap.
import { readFileSync, statSync } from 'node:fs'
import type { MachineFact, ProcessFact } from './facts.ts'

/** The server with this pid; without one, this process in its place. */
export function processFact(pid: number | undefined): ProcessFact {
  const at = `/proc/${pid ?? 'self'}`
  const status = table(read(`${at}/status`))
  const limits = read(`${at}/limits`)
  const uid = first(status.get('Uid')) ?? process.getuid?.() ?? 0
  return {
    running: pid !== undefined,
    uid,
    gids: [first(status.get('Gid')) ?? 0, ...numbers(status.get('Groups'))],
    noNewPrivileges: flag(status.get('NoNewPrivs')),
    capabilityBounds: hex(status.get('CapBnd')),
    coreLimit: limit(limits, 'Max core file size'),
    openFiles: limit(limits, 'Max open files'),
    lockedBytes: kilobytes(status.get('VmLck')),
    lockLimit: limit(limits, 'Max locked memory'),
    traceable: pid === undefined || uid === 0 ? undefined : statSync(at).uid === uid, // what can't be traced belongs to root there
    nodeOptions: pid === undefined ? (process.env['NODE_OPTIONS'] ?? '') : '', // a server that runs has refused them
  }
}

export function swapFacts(): MachineFact['swaps'] {
  const lines = read('/proc/swaps').trim().split('\n').slice(1)
  return lines.map((line) => {
    const name = line.split(/\s+/)[0] as string
    return { name, encrypted: name.includes('/zram') || isCrypt(name) }
  })
}

function isCrypt(device: string): boolean {
  const dm = /\/(dm-\d+)$/.exec(device)?.[1]
  return dm !== undefined && read(`/sys/block/${dm}/dm/uuid`).startsWith('CRYPT-')
}

/** Empty where there is none, or where this may not look. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function table(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\w+):\s*(.*)$/gm)].map(([, key, value]) => [key as string, value as string]))
}

function numbers(text = ''): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number)
}

const first = (text?: string): number | undefined => numbers(text)[0]
const flag = (text?: string): boolean | undefined => (text === undefined ? undefined : text === '1')
const hex = (text?: string): bigint | undefined => (text === undefined ? undefined : BigInt(`0x${text}`))
const kilobytes = (text?: string): number | undefined => (text === undefined ? undefined : Number.parseInt(text, 10) * 1024)

/** The soft limit, in bytes or pieces. */
function limit(limits: string, name: string): number | undefined {
  const soft = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(limits)?.[1]
  if (soft === undefined) return undefined
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}
