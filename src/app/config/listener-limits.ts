// What a listener's configuration says of crowds, slow clients and proxies.
import { parseCidr } from '../../base/cidr.ts'
import { bool, choice, int, list, maybe, seconds, type Values } from '../../base/fields.ts'
import type { Forwarding } from '../../edge/forwarded.ts'
import type { EdgeLimits } from '../../edge/limits.ts'
import type { ProxyProtocol } from '../introductions.ts'
import { type Block, refuse } from './stanza.ts'

export interface ListenerLimits {
  /** What differs from the edge's own bounds. */
  readonly limits: Partial<EdgeLimits>
  readonly forwarding?: Forwarding
  readonly proxyProtocol?: ProxyProtocol
}

export const limitKeys = {
  max_request_size: maybe(int('Bytes of the largest request body.')),
  max_connections: maybe(int('Connections to each worker process at once.')),
  max_connections_per_client: maybe(int('The same, from one address.')),
  max_requests: maybe(int('Requests that each worker process answers at once.')),
  max_requests_per_client: maybe(int('The same, from one address.')),
  max_anonymous_requests_per_client: maybe(int('The same, from one address without a token.')),
  max_request_memory: maybe(int('Bytes of request bodies that each worker process holds at once.')),
  max_request_memory_per_client: maybe(int('The same, from one address.')),
  http_read_header_timeout: maybe(seconds('How long the head of a request may take to arrive.')),
  http_read_timeout: maybe(seconds('How long a whole request may take to arrive.')),
  http_idle_timeout: maybe(seconds('How long a connection may rest between two requests.')),
  x_forwarded_for_authorized_addrs: maybe(list('Address blocks of proxies that are believed about whom they speak for.')),
  x_forwarded_for_hop_skips: maybe(int('How many addresses at the end of the chain are those of further proxies.')),
  x_forwarded_for_reject_not_present: maybe(bool('Refuse requests without the header.')),
  x_forwarded_for_reject_not_authorized: maybe(bool('Refuse the header from others.')),
  proxy_protocol_behavior: maybe(choice('Whom to believe about the client.', ['', 'use_always', 'allow_authorized', 'deny_unauthorized'])),
  proxy_protocol_authorized_addrs: maybe(list('Address blocks of load balancers.')),
}

type Given = Values<typeof limitKeys>

export function limitsOf(block: Block, given: Given): ListenerLimits {
  const proxies = { forwarding: forwarding(block, given), proxyProtocol: proxyProtocol(block, given) }
  const set = Object.entries(proxies).filter(([, value]) => value !== undefined)
  return { limits: bounds(block, given), ...(Object.fromEntries(set) as Partial<ListenerLimits>) }
}

/** Of each key the bound that it sets, and what it is counted in. */
const BOUNDS = {
  max_request_size: ['bodyBytes', 1],
  max_connections: ['connections', 1],
  max_connections_per_client: ['connectionsPerClient', 1],
  max_requests: ['concurrent', 1],
  max_requests_per_client: ['concurrentPerClient', 1],
  max_anonymous_requests_per_client: ['anonymousPerClient', 1],
  max_request_memory: ['bytes', 1],
  max_request_memory_per_client: ['bytesPerClient', 1],
  http_read_header_timeout: ['headMs', 1000],
  http_read_timeout: ['requestMs', 1000],
  http_idle_timeout: ['idleMs', 1000],
} as const satisfies Readonly<Partial<Record<keyof Given, readonly [keyof EdgeLimits, number]>>>

function bounds(block: Block, given: Given): Partial<EdgeLimits> {
  const set = Object.entries(BOUNDS).flatMap(([key, [bound, unit]]) => {
    const value = given[key as keyof typeof BOUNDS]
    if (value === undefined) return []
    if (value < 1) throw refuse(block, `${key} must be at least 1`)
    return [[bound, value * unit] as const]
  })
  return Object.fromEntries(set)
}

function forwarding(block: Block, given: Given): Forwarding | undefined {
  const authorized = blocks(block, 'x_forwarded_for_authorized_addrs', given.x_forwarded_for_authorized_addrs)
  const hopSkips = given.x_forwarded_for_hop_skips ?? 0
  if (hopSkips < 0) throw refuse(block, `x_forwarded_for_hop_skips cannot be negative but set to ${hopSkips}`)
  if (authorized.length === 0) return undefined
  return {
    authorized,
    hopSkips,
    rejectNotPresent: given.x_forwarded_for_reject_not_present ?? true,
    rejectNotAuthorized: given.x_forwarded_for_reject_not_authorized ?? true,
  }
}

function proxyProtocol(block: Block, given: Given): ProxyProtocol | undefined {
  const { proxy_protocol_behavior: behavior = '' } = given
  const authorized = blocks(block, 'proxy_protocol_authorized_addrs', given.proxy_protocol_authorized_addrs)
  if (behavior === '') return undefined
  if (behavior !== 'use_always' && authorized.length === 0) {
    throw refuse(block, `proxy_protocol_behavior "${behavior}" needs proxy_protocol_authorized_addrs`)
  }
  return { behavior, authorized }
}

function blocks(block: Block, key: string, texts: readonly string[] = []): readonly string[] {
  for (const text of texts) {
    try {
      parseCidr(text)
    } catch {
      throw refuse(block, `${key}: "${text}" is no address and no address block`)
    }
  }
  return texts
}
