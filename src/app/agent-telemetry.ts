// How an agent is doing, by HTTP: metrics for Prometheus, and whether it lives and can serve, for those who start it again.
import { createServer, type ServerResponse } from 'node:http'
import { readdirSync } from 'node:fs'
import type { Agent } from '../agent/agent.ts'
import type { Clock } from '../base/ports.ts'
import type { AgentMetrics, AgentSelf, AgentState } from '../telemetry/agent-metrics.ts'
import { bind } from './listen.ts'
import { openSelf } from './self.ts'

export interface AgentTelemetry {
  readonly port: number
  close(): Promise<void>
}

/** Whoever asks takes one short answer. */
const OPTIONS = { maxHeaderSize: 8_192, headersTimeout: 5_000, requestTimeout: 5_000, keepAliveTimeout: 5_000, connectionsCheckingInterval: 1_000 }
const MOST_CONNECTIONS = 64

interface Answer {
  readonly status: number
  readonly text: string
}

/** Throws a Failure where the address can't be listened on. */
export async function listenTelemetry(address: string, metrics: AgentMetrics, agent: Agent, stateOf: () => AgentState): Promise<AgentTelemetry> {
  const pages: Readonly<Record<string, () => Promise<Answer> | Answer>> = {
    '/live': () => ({ status: 200, text: 'ok\n' }),
    '/ready': () => (agent.ready() ? { status: 200, text: 'ok\n' } : { status: 503, text: 'nothing to serve yet\n' }),
    '/metrics': async () => ({ status: 200, text: await metrics.text(stateOf()) }),
  }
  const server = createServer(OPTIONS, (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? ''
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined
    if (!page) return answer(response, { status: 404, text: 'not found\n' })
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response.setHeader('allow', 'GET, HEAD'), { status: 405, text: 'method not allowed\n' })
    void Promise.resolve(page()).then(
      (found) => answer(response, found),
      () => response.destroy(),
    )
  })
  server.maxConnections = MOST_CONNECTIONS
  const { port } = await bind(server, address)
  return {
    port,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

function answer(response: ServerResponse, { status, text }: Answer): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' }).end(text)
}

/** What an agent measures of its own process. */
export function openAgentSelf(): AgentSelf {
  return { ...openSelf(), openFiles: () => readdirSync('/proc/self/fd').length }
}

/** What can be told of it now. */
export function agentState(agent: Agent, clock: Pick<Clock, 'now'>, connections: number): AgentState {
  const { x509, jwt, wit, trusts } = agent
  return {
    ready: agent.ready(),
    identitySeconds: Math.max(0, ((agent.identity()?.expiresAt ?? 0) - clock.now()) / 1000),
    syncAgeSeconds: agent.syncAge() / 1000,
    entries: [...agent.entries()].length,
    bundles: trusts.all().length,
    svids: { 'X509-SVID': x509.all().size, 'JWT-SVID': jwt.size(), 'WIT-SVID': wit.all().size },
    connections,
  }
}
