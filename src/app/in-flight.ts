// Requests that this process is answering.
import type { Answer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { InFlight } from '../sys/server.ts'

export interface InFlightRegister {
  /** Knows the request until it is answered, and then tells its status. */
  watch(received: Received, done: (status: number) => void, answer: () => Promise<Answer>): Promise<Answer>
  list(): readonly InFlight[]
}

const METHOD: Readonly<Record<Received['verb'], string>> = {
  read: 'GET',
  list: 'LIST',
  scan: 'SCAN',
  write: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  help: 'HELP',
}

export function openInFlight(): InFlightRegister {
  const running = new Set<Received>()
  return {
    async watch(received, done, answer) {
      running.add(received)
      try {
        const result = await answer()
        done(result.status)
        return result
      } finally {
        running.delete(received)
      }
    },
    list: () => Array.from(running, describe),
  }
}

function describe({ id, at, peer, namespace, path, verb }: Received): InFlight {
  const host = peer.address.includes(':') ? `[${peer.address}]` : peer.address
  return { id, since: at, peer: `${host}:${peer.port}`, path: `/v1/${namespace}${path}`, method: METHOD[verb] }
}
