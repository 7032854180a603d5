// The door for agents: gRPC over TLS with the server's own SVID, which is renewed without a restart; who shows an SVID is known by it.
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Peer } from '../contract/call.ts'
import { chainOf } from '../edge/peer-chain.ts'
import type { Kernel } from './kernel.ts'
import { bind } from './listen.ts'
import { openSockets } from './open-sockets.ts'
import { openServerIdentity } from './server-identity.ts'
import { openSpireGrpc } from './spire-grpc.ts'
import { openProof, type Proof } from './svid-proof.ts'

export interface SpireListener {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export async function listenSpire(
  address: string,
  kernel: Kernel,
  ports: Pick<Ports, 'clock' | 'random' | 'timers'>,
  log: Log,
): Promise<SpireListener> {
  const peers = new Map<string, () => Peer | undefined>()
  const grpc = openSpireGrpc(kernel, (name) => peers.get(name)?.(), ports, log)
  const identify = openServerIdentity(ports)
  const sockets = openSockets()
  let connections = 0

  function accept(raw: Socket): void {
    const spiffe = kernel.spiffe()
    if (!spiffe?.settings.get()) return void raw.destroy() // sealed, or no trust domain yet: agents try again
    identify(spiffe, secure)
    sockets.add(raw)
    secure.emit('connection', raw)
  }

  function admit(socket: TLSSocket): void {
    const spiffe = kernel.spiffe()
    if (!spiffe) return void socket.destroy()
    const { remoteAddress: address = '', remotePort: port = 0 } = socket
    const name = `agent-${++connections}`
    const prove = openProof(chainOf(socket), ports.clock.now())
    const peer = () => peerBy(prove, socket, { address, port })
    if (!peer()) return
    peers.set(name, peer)
    socket.once('close', () => peers.delete(name))
    grpc.inject(socket, name)
  }

  /** A connection ends with what it was believed by. */
  function peerBy(prove: Proof, socket: TLSSocket, from: Pick<Peer, 'address' | 'port'>): Peer | undefined {
    const spiffe = kernel.spiffe()
    try {
      if (spiffe) return { ...from, ...prove(spiffe) }
    } catch (error) {
      log.info('an agent was turned away', { address: from.address, reason: (error as Error).message })
    }
    socket.destroy()
    return undefined
  }

  const secure = createTlsServer(OPTIONS, admit)
  secure.on('tlsClientError', (_, socket) => socket.destroy())
  const server = createServer(accept)
  const { address: host, port } = await bind(server, address)
  return {
    host,
    port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      grpc.close()
      sockets.destroy()
      await closed
    },
  }
}

/** Without tickets: a resumed session would skip the check of the client's certificate. */
const OPTIONS = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] }
