// The door for agents of a whole server in this process, and who knocks there under an SVID of a test's choice.
import { randomBytes } from 'node:crypto'
import grpc from '@grpc/grpc-js'
import { listenSpire, type SpireListener } from '../app/spire-listener.ts'
import { silent } from '../base/log.ts'
import { pem, toPem } from '../crypto/certificate.ts'
import { exportSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import type { Spiffe } from '../spiffe/rooms.ts'
import { stillTimers } from './clock.ts'
import { openWorld, type World } from './world.ts'

export interface KnockingSvid {
  /** DER, leaf first. */
  readonly chain: readonly Buffer[]
  readonly key: SigningKey
}

export interface AgentsDoor {
  readonly world: World
  readonly listener: SpireListener
  rooms(): Spiffe
  /** A connection of its own, without an SVID where none is given. Closed with the door. */
  connect(svid?: KnockingSvid): grpc.Client
  /** The same, by other credentials. */
  connectBy(credentials: grpc.ChannelCredentials): grpc.Client
  close(): Promise<void>
}

/** Of the trust domain example.org. */
export async function openAgentsDoor(): Promise<AgentsDoor> {
  const world = await openWorld()
  world.clock.set(Date.now()) // certificates are checked by TLS too, which has the real time
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const listener = await listenSpire('127.0.0.1:0', world.kernel, { clock: world.clock, random: { bytes: randomBytes }, timers: stillTimers }, silent)
  const clients: grpc.Client[] = []
  const rooms = () => world.kernel.spiffe() as Spiffe

  function connectBy(credentials: grpc.ChannelCredentials): grpc.Client {
    const client = new grpc.Client(`127.0.0.1:${listener.port}`, credentials, { 'grpc.use_local_subchannel_pool': 1 })
    clients.push(client)
    return client
  }

  return {
    world,
    listener,
    rooms,
    connectBy,
    connect(svid) {
      const roots = Buffer.from(toPem(rooms().authorities.bundle().x509Authorities))
      const secret = svid ? Buffer.from(pem('PRIVATE KEY', exportSigningKey(svid.key))) : null
      const chain = svid ? Buffer.from(toPem(svid.chain)) : null
      return connectBy(grpc.credentials.createSsl(roots, secret, chain, { checkServerIdentity: () => undefined }))
    },
    async close() {
      for (const client of clients) client.close()
      await listener.close()
      await world.close()
    },
  }
}
