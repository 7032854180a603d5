// What listens, and the edge behind it: opened as the configuration says, and told when that changes.
import type { Log } from '../base/log.ts'
import { fileProblem } from '../cli/failure.ts'
import { type Edge, type EdgeParts, openEdge } from '../edge/edge.ts'
import type { ListenerSettings } from './config/listener.ts'
import { listen, type Listener } from './listen.ts'
import { ports } from './ports.ts'

/** How long requests may go on when it closes. */
export const GRACE_MS = 30_000

export interface Door {
  readonly listener: Listener
  readonly edge: Edge
}

export interface Behind extends Pick<EdgeParts, 'handle' | 'log'> {
  readonly cors?: NonNullable<EdgeParts['cors']>
  readonly refused?: NonNullable<NonNullable<EdgeParts['hooks']>['refused']>
}

export async function openDoor(settings: ListenerSettings, { handle, cors, refused, log }: Behind): Promise<Door> {
  const { tls, limits = {}, forwarding } = settings
  const edge = openEdge({
    ...ports,
    handle,
    log: log.named('edge'),
    headers: settings.headers ?? {},
    ...(cors ? { cors } : {}),
    secure: tls !== undefined,
    limits,
    forwarding,
    hooks: refused ? { refused } : {},
  })
  return { listener: await listen(settings, edge), edge }
}

/** As the listeners are configured now, one for each door. */
export function reloadDoors(doors: readonly Door[], listeners: readonly ListenerSettings[], log: Log): void {
  for (const [at, door] of doors.entries()) {
    const settings = listeners[at]
    if (settings) reloadDoor(door, settings, log)
  }
}

function reloadDoor({ listener, edge }: Door, { headers = {}, tls }: ListenerSettings, log: Log): void {
  edge.setHeaders(headers)
  try {
    listener.reload(tls)
  } catch (error) {
    log.error('certificates could not be reloaded; the old ones stay', { port: listener.port, reason: fileProblem(error) })
  }
}
