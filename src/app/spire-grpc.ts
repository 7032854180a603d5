// The SPIRE server API over connections that a door accepted and vouches for: by the line, like every other request.
import type { Log } from '../base/log.ts'
import type { Ports } from '../base/ports.ts'
import type { Peer } from '../contract/call.ts'
import { openAsk } from '../edge/spire/ask.ts'
import { spireServices } from '../edge/spire/services.ts'
import { type GrpcServer, openGrpc } from '../wire/grpc.ts'
import type { Kernel } from './kernel.ts'

/** `peerOf` finds who is behind a connection by the name it was injected under; undefined once nobody is. */
export function openSpireGrpc(
  kernel: Kernel,
  peerOf: (name: string) => Peer | undefined,
  { clock, random, timers }: Pick<Ports, 'clock' | 'random' | 'timers'>,
  log: Log,
): GrpcServer {
  const began = clock.monotonic()
  const uptime = () => (clock.monotonic() - began) / 1000
  const ask = openAsk({ handle: (received) => kernel.handle(received), peerOf, clock, random })
  const changesOf = () => kernel.spiffe()?.changes
  return openGrpc(spireServices(ask, { timers, changesOf, uptime }), (error) => log.error('a call of the SPIRE server API failed', {}, error))
}
