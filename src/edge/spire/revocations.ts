// signet.agent.v1.Revocations: what agents hand on to workloads beside the bundle.
import { type Services, unary } from '../../wire/grpc.ts'
import { LISTS, ListsResponse } from '../../wire/signet-agent.ts'
import type { Ask } from './ask.ts'
import { strings } from './convert.ts'
import { Empty } from './messages.ts'

export function revocationServices(ask: Ask): Services {
  return {
    [LISTS.service]: {
      [LISTS.method]: unary(Empty, ListsResponse, async ({ peer }) => {
        const { crls, complete } = await ask(peer, 'read', 'agent/crls')
        return { crls: strings(crls).map((one) => Buffer.from(one, 'base64')), complete: complete === true }
      }),
    },
  }
}
