// The door for agents: gRPC over TLS with the server's own SVID, which is renewed without a restart; who shows an SVID is known by it.
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Peer } from '../contract/call.ts'
import { verifyX509Svid } from '../crypto/x509-svid.ts'
import { openAsk } from '../edge/spire/ask.ts'
import { spireServices } from '../edge/spire/services.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { openGrpc } from '../wire/grpc.ts'
import type { Kernel } from './kernel.ts'
import { bind } from './listen.ts'
import { chainOf } from './peer-chain.ts'
import { openServerIdentity } from './server-identity.ts'

export interface SpireListener {
  readonly host: string
  readonly port: number
  close(): Promise<void>
}

export async function listenSpire(address: string, kernel: Kernel, ports: Pick<Ports, 'clock' | 'random'>, log: Log): Promise<SpireListener> {
  const peers = new Map<string, Peer>()
  const ask = openAsk({ handle: (received) => kernel.handle(received), peerOf: (name) => peers.get(name), ...ports })
  const grpc = openGrpc(spireServices(ask), (error) => log.error('agent call failed', {}, error))
  const identify = openServerIdentity(ports)
  let connections = 0

  function accept(raw: Socket): void {
    const spiffe = kernel.spiffe()
    if (!spiffe?.settings.get()) return void raw.destroy() // sealed, or no trust domain yet: agents try again
    identify(spiffe, secure)
    secure.emit('connection', raw)
  }

  function admit(socket: TLSSocket): void {
    const spiffe = kernel.spiffe()
    if (!spiffe) return void socket.destroy()
    const { remoteAddress = '', remotePort = 0 } = socket
    const name = `agent-${++connections}`
    try {
      peers.set(name, { address: remoteAddress, port: remotePort, ...svidOf(socket, spiffe, ports.clock.now()) })
    } catch (error) {
      log.info('an agent was turned away', { address: remoteAddress, reason: (error as Error).message })
      return void socket.destroy()
    }
    socket.once('close', () => peers.delete(name))
    grpc.inject(socket, name)
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
      await closed
    },
  }
}

/** Without tickets: a resumed session would skip the check of the client's certificate. */
const OPTIONS = { requestCert: true, rejectUnauthorized: false, ALPNProtocols: ['h2'] }

/** Nothing for a client that shows no certificate. Throws for one whose certificate proves nothing. */
function svidOf(socket: TLSSocket, { settings, authorities }: Spiffe, now: number): Pick<Peer, 'svid'> {
  const chain = chainOf(socket)
  if (chain.length === 0) return {}
  const home = settings.need().trustDomain
  const { id, serial } = verifyX509Svid(chain, now, (domain) => (domain === home ? authorities.bundle().x509Authorities : undefined))
  return { svid: { id, serial } }
}
