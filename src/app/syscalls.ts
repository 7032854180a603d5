// The few calls of the C library that Node does not have: locks on files, local datagrams, whether a process has ended, and what a
// peer has not confirmed.
import { closeSync } from 'node:fs'
import { getSystemErrorName } from 'node:util'
import koffi from 'koffi'

const libc = koffi.load(null)
const flock = libc.func('int flock(int fd, int operation)')
const socket = libc.func('int socket(int domain, int type, int protocol)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const send = libc.func('long send(int fd, const void *bytes, size_t length, int flags)')
const ioctl = libc.func('int ioctl(int fd, unsigned long request, _Out_ int *value)')

const syscall = libc.func('long syscall(long number, int pid, uint32_t flags)')
const poll = libc.func('int poll(_Inout_ void *entries, unsigned long count, int timeout)')

const LOCK_EX = 2
const LOCK_NB = 4
const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const SIOCOUTQ = 0x5411
const POLLIN = 1
const PIDFD_OPEN = 434
/** Bytes of a path in `sockaddr_un`, its end included. */
const PATH_BYTES = 108

/** Takes the lock of an open file for as long as it stays open; false where another process has it. */
export function tryLock(fd: number): boolean {
  return flock(fd, LOCK_EX | LOCK_NB) === 0
}

/** Bytes in a socket's send buffer that the other side's system has not taken; 0 where that can't be told. */
export function unconfirmedBytes(fd: number): number {
  const value = [0]
  return ioctl(fd, SIOCOUTQ, value) === 0 ? (value[0] as number) : 0
}

export interface LocalDatagrams {
  /** Throws where the peer is gone or its queue is full. */
  send(bytes: Uint8Array): void
  close(): void
}

/** To a datagram socket of this machine, such as `/dev/log`. Throws where there is none. */
export function localDatagrams(path: string): LocalDatagrams {
  const bytes = Buffer.from(path)
  if (bytes.length >= PATH_BYTES) throw failed('connect', path, 'ENAMETOOLONG')
  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
  if (fd < 0) throw failed('socket', path)
  const address = Buffer.alloc(2 + PATH_BYTES)
  address.writeUInt16LE(AF_UNIX)
  address.set(bytes, 2)
  if (connect(fd, address, address.length) !== 0) {
    const error = failed('connect', path)
    closeSync(fd)
    throw error
  }
  return {
    send(message) {
      const sent = Number(send(fd, message, message.length, MSG_DONTWAIT | MSG_NOSIGNAL))
      if (sent !== message.length) throw failed('send', path)
    },
    close: () => closeSync(fd),
  }
}

function failed(call: string, path: string, code = getSystemErrorName(-koffi.errno())): Error {
  return Object.assign(new Error(`${code}: ${call} ${path}`), { code })
}

/** A handle of a process (pidfd_open(2)); undefined where the system gives none. Throws where there is no such process. */
export function openPidfd(pid: number): number | undefined {
  const fd = Number(syscall(PIDFD_OPEN, pid, 0))
  if (fd >= 0) return fd
  const code = getSystemErrorName(-koffi.errno())
  if (code === 'ENOSYS' || code === 'EPERM') return undefined
  throw failed('pidfd_open', String(pid), code)
}

/** Whether the process behind a pidfd has ended. */
export function hasEnded(pidfd: number): boolean {
  const entry = Buffer.alloc(8)
  entry.writeInt32LE(pidfd, 0)
  entry.writeInt16LE(POLLIN, 4)
  return poll(entry, 1, 0) !== 0
}
