// Processes that connect to the agent, by /proc and by handles that outlive a reuse of their numbers.
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, type BigIntStats, readFileSync, readlinkSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type Accounts, NoWorkload, type Process } from '../agent/processes.ts'
import { type PeerCredentials, peerCredentials, peerPidfd } from '../wire/peer-credentials.ts'
import { hasEnded, openPidfd } from './syscalls.ts'

/** Who is at the other end of a local connection. Throws where that can't be told, as of a process in a namespace out of sight. */
export function processBehind(socket: Socket): Process {
  const credentials = peerCredentials(socket)
  if (credentials.pid <= 0) throw new Error('the process cannot be seen from here')
  return openHeld(credentials, peerPidfd(socket))
}

/** One that somebody else refers to. Throws NoWorkload for a number that is none's, or of something that could be no workload. */
export function processOfPid(pid: number): Process {
  const process = attempt(() => openHeld({ pid, uid: 0, gid: 0 }, openPidfd(pid)))
  const read = (name: string) => attempt(() => readFileSync(`/proc/${pid}/${name}`, 'latin1')) ?? ''
  const refusal = whyNoWorkload(pid, read('status'), read('stat'))
  if (process && refusal === undefined) return process
  process?.close()
  throw new NoWorkload(refusal ?? `process ${pid} has ended`)
}

/** `PF_KTHREAD` of the flags of a task. */
const KERNEL = 0x200000

/**
 * From its files of /proc, '' where there are none. A thread has a number of its own and may be asked for by it, though it is listed
 * nowhere; those of the kernel have the user number of root, and are nobody's program.
 */
export function whyNoWorkload(pid: number, status: string, stat: string): string | undefined {
  if (status === '') return `there is no process ${pid} that can be seen from here`
  const leader = Number(/^Tgid:\s*(\d+)$/m.exec(status)?.[1])
  if (leader !== pid) return `${pid} is a thread of process ${leader}`
  if ((Number(fieldsOf(stat)[6]) & KERNEL) !== 0) return `${pid} is a thread of the kernel`
  return ENDED.includes(fieldsOf(stat)[0] ?? '') ? `process ${pid} has ended` : undefined
}

function openHeld(credentials: PeerCredentials, pidfd: number | undefined): Process {
  try {
    return openProcess(credentials, pidfd)
  } catch (error) {
    if (pidfd !== undefined) closeSync(pidfd)
    throw error
  }
}

/** `pidfd` is a handle of it where there is one; the time it started tells it apart otherwise. */
export function openProcess({ pid, uid, gid }: PeerCredentials, pidfd?: number): Process {
  const at = `/proc/${pid}`
  const started = startTime(at)
  let closed = false
  const isAlive = () => {
    if (closed) return false
    if (pidfd !== undefined) return !hasEnded(pidfd)
    return attempt(() => startTime(at)) === started
  }
  if (!isAlive()) throw new Error('the process has ended')
  return {
    pid,
    uid,
    gid,
    isAlive,
    image: () => `${attempt(() => identities(at))} ${attempt(() => programId(at))}`,
    read: (name) => readFileSync(`${at}/${name}`),
    programPath: () => readlinkSync(`${at}/exe`),
    programHash: (most) => hashOf(`${at}/exe`, most),
    close() {
      if (pidfd !== undefined && !closed) closeSync(pidfd)
      closed = true
    },
  }
}

/** Those of its stat from the third on: after the name, which may hold anything (proc_pid_stat(5)). */
const fieldsOf = (stat: string): string[] => stat.slice(stat.lastIndexOf(')') + 2).split(' ')

/** Throws for one that has ended and was not waited for. */
function startTime(at: string): string {
  const fields = fieldsOf(readFileSync(`${at}/stat`, 'latin1'))
  if (ENDED.includes(fields[0] ?? '')) throw new Error('the process has ended')
  return fields[19] ?? ''
}

/** States of a process of which only the number is left. */
const ENDED: readonly string[] = ['Z', 'X', 'x']

function identities(at: string): string {
  return (readFileSync(`${at}/status`, 'latin1').match(/^(Uid|Gid|Groups):.*$/gm) ?? []).join(' ')
}

function programId(at: string): string {
  return fileId(statSync(`${at}/exe`, { bigint: true }))
}

const fileId = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string => [dev, ino, size, mtimeNs, ctimeNs].join(':')

/** Of programs as they were when they were hashed. */
const hashes = new Map<string, string>()
const MOST_HASHES = 1_000

async function hashOf(path: string, most: number): Promise<string | undefined> {
  const before = statSync(path, { bigint: true })
  if (before.size > BigInt(most)) return undefined
  const known = hashes.get(fileId(before))
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer)
  const found = hash.digest('hex')
  if (fileId(statSync(path, { bigint: true })) !== fileId(before)) throw new Error(`${path} changed while it was read`)
  if (hashes.size >= MOST_HASHES) hashes.clear()
  hashes.set(fileId(before), found)
  return found
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}

/** Of users and groups in files. */
interface LocalAccounts extends Accounts {
  userOf(uid: number): string | undefined
  groupOf(gid: number): string | undefined
}

/** From /etc/passwd and /etc/group, read again when they change. */
export function localAccounts(passwd = '/etc/passwd', group = '/etc/group'): LocalAccounts {
  const users = names(passwd)
  const groups = names(group)
  return { userOf: (uid) => users().get(uid), groupOf: (gid) => groups().get(gid) }
}

function names(path: string): () => ReadonlyMap<number, string> {
  let read = ''
  let found = new Map<number, string>()
  return () => {
    const now = attempt(() => fileId(statSync(path, { bigint: true }))) ?? 'absent'
    if (now === read) return found
    read = now
    const lines = (attempt(() => readFileSync(path, 'utf8')) ?? '').split('\n').map((line) => line.split(':'))
    found = new Map(
      lines
        .filter(([, , id]) => id !== undefined && /^\d+$/.test(id))
        .map(([name = '', , id]): [number, string] => [Number(id), name])
        .reverse(),
    )
    return found
  }
}
