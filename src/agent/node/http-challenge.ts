// http_challenge, the node's side: it answers by HTTP, under its name, with what the server just told it.
import { formatMessage, parseMessage, textOf } from '../../attest/go-json.ts'
import type { NodeAttestation } from '../attestation.ts'
import type { ChallengeDoor, NodePorts } from './ports.ts'

export interface HttpChallengeSettings {
  /** The name that the server asks for. */
  readonly hostname: string
  /** Tells agents apart that answer behind one door. */
  readonly agentname: string
  /** Where the agent listens; 0 for any free port. */
  readonly port: number
  /** Where the server asks, if something stands between; 0 for the same. */
  readonly advertisedPort: number
}

/** The door is open before the server knows of it, and closed when the attempt is over. */
export function httpChallenge({ openDoor }: Pick<NodePorts, 'openDoor'>, settings: HttpChallengeSettings): NodeAttestation {
  let door: ChallengeDoor | undefined
  const { hostname, agentname, port, advertisedPort } = settings
  return {
    type: 'http_challenge',
    async payload() {
      door?.close()
      door = await openDoor(port)
      return formatMessage({ hostname, agentname, port: advertisedPort || door.port })
    },
    async answer(challenge) {
      const nonce = textOf(parseMessage(challenge, 'challenge')['nonce'], 'nonce')
      door?.show(`/.well-known/spiffe/nodeattestor/http_challenge/${agentname}/challenge`, `${nonce}\n`)
      return Buffer.from('\n') // something has to be said
    },
    end() {
      door?.close()
      door = undefined
    },
  }
}
