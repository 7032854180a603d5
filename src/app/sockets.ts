// Real sockets to send to: TCP, UDP, and those of this machine.
import { createSocket } from 'node:dgram'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import type { Address, Outlet, Sockets } from '../base/ports.ts'
import { localDatagrams, unconfirmedBytes } from './syscalls.ts'

export const sockets: Sockets = {
  async connect(to, timeoutMs) {
    if (to.transport === 'udp') return udp(to)
    if (to.transport === 'tcp') return stream({ host: to.host, port: to.port }, timeoutMs)
    try {
      return await stream({ path: to.path }, timeoutMs)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPROTOTYPE') throw error
      return datagrams(to.path)
    }
  },
}

function stream(to: NetConnectOpts, timeoutMs: number): Promise<Outlet> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...to, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 })
    const late = setTimeout(() => socket.destroy(Object.assign(new Error('ETIMEDOUT: nobody answered'), { code: 'ETIMEDOUT' })), timeoutMs)
    socket.once('error', reject)
    socket.once('close', () => clearTimeout(late))
    socket.once('connect', () => {
      clearTimeout(late)
      resolve(outletOf(socket))
    })
  })
}

function outletOf(socket: Socket): Outlet {
  socket.on('error', () => {}) // a close follows
  socket.resume() // what it says is not listened to, but its end is
  const { fd = -1 } = (socket as unknown as { _handle?: { fd?: number } })._handle ?? {}
  return {
    datagrams: false,
    send: (bytes) => new Promise((done, failed) => void socket.write(bytes, (error) => (error ? failed(error) : done()))),
    unconfirmed: () => socket.writableLength + (socket.destroyed || fd < 0 ? 0 : unconfirmedBytes(fd)),
    onGone(run) {
      socket.once('close', run)
      socket.once('end', () => socket.destroy())
    },
    close: () => socket.destroy(),
  }
}

function udp(to: Extract<Address, { transport: 'udp' }>): Promise<Outlet> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.connect(to.port, to.host, () => {
      socket.off('error', reject)
      socket.on('error', () => {}) // a datagram came back: the next one may arrive
      socket.unref()
      resolve({
        datagrams: true,
        send: (bytes) => new Promise((done, failed) => socket.send(bytes, (error) => (error ? failed(error) : done()))),
        unconfirmed: () => 0,
        onGone: (run) => void socket.once('close', run),
        close: () => void socket.close(),
      })
    })
  })
}

function datagrams(path: string): Outlet {
  const socket = localDatagrams(path)
  let gone = (): void => {}
  return {
    datagrams: true,
    async send(bytes) {
      try {
        socket.send(bytes)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') gone()
        throw error
      }
    },
    unconfirmed: () => 0,
    onGone(run) {
      gone = run
    },
    close: () => socket.close(),
  }
}
