// Who is at the other end of a Unix socket, as the kernel noted when it connected (unix(7), SO_PEERCRED and SO_PEERPIDFD).
import koffi from 'koffi'

export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const SO_PEERPIDFD = 77
/** `struct ucred`: three numbers of 32 bits. */
const UCRED_BYTES = 12
const INT_BYTES = 4

type GetSockOpt = (fd: number, level: number, option: number, value: Buffer, length: number[]) => number

let found: GetSockOpt | undefined

/** Read once: what connects is known at accept, and its process may be gone or be another later. Throws where that can't be told. */
export function peerCredentials(socket: object): PeerCredentials {
  const value = readOption(fdOf(socket), SO_PEERCRED, UCRED_BYTES)
  if (!value) throw new Error('the credentials of a connection could not be read')
  return { pid: value.readInt32LE(0), uid: value.readUInt32LE(4), gid: value.readUInt32LE(8) }
}

/**
 * A file descriptor that stands for the process itself and never for a later one with its number; the caller closes it.
 * Undefined where the system is too old (before Linux 6.5) or the process is gone.
 */
export function peerPidfd(socket: object): number | undefined {
  return readOption(fdOf(socket), SO_PEERPIDFD, INT_BYTES)?.readInt32LE(0)
}

/** Of an open socket of node:net, which shows it nowhere else. */
function fdOf(socket: object): number {
  const { _handle: handle } = socket as { readonly _handle?: { readonly fd?: number } | null }
  return handle?.fd ?? -1
}

function readOption(fd: number, option: number, size: number): Buffer | undefined {
  if (fd < 0) return undefined
  found ??= koffi.load(null).func('int getsockopt(int fd, int level, int option, void *value, _Inout_ uint32_t *length)') as GetSockOpt
  const value = Buffer.alloc(size)
  const length = [size]
  return found(fd, SOL_SOCKET, option, value, length) === 0 && length[0] === size ? value : undefined
}
