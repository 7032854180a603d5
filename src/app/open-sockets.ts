// Connections that are open, whether or not anything was said on them, so that closing a server waits for none.
import type { Socket } from 'node:net'

export interface OpenSockets {
  add(socket: Socket): void
  destroy(): void
}

export function openSockets(): OpenSockets {
  const sockets = new Set<Socket>()
  return {
    add(socket) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
    destroy() {
      for (const socket of sockets) socket.destroy()
    },
  }
}
