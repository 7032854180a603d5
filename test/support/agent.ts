// Real agents for tests: the built program in its own process, attested to a real server.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { until } from '../processes/load.ts'
import { ask, freePort, type Production, productionServer, SIGNET, start } from './server.ts'
import { run } from './tools.ts'

export interface TrustDomainServer extends Production {
  readonly token: string
  /** host:port where agents are served. */
  readonly agentAddress: string
}

/** A server of the trust domain example.org. */
export async function trustDomainServer(t: TestContext, at: string): Promise<TrustDomainServer> {
  const agentAddress = `127.0.0.1:${await freePort()}`
  const server = await productionServer(t, { at, workers: 1, config: `spiffe { address = "${agentAddress}" }\n` })
  const init = await ask(server.address, 'PUT', 'sys/init', { secret_shares: 1, secret_threshold: 1 }, '')
  const { root_token: token, keys_base64: shares } = init.body
  await ask(server.address, 'PUT', 'sys/unseal', { key: shares[0] }, '')
  await until('it is open', async () => (await ask(server.address, 'POST', 'sys/mounts/spiffe', { type: 'spiffe' }, token)).status === 204)
  await ask(server.address, 'POST', 'spiffe/config', { trust_domain: 'example.org' }, token)
  return { ...server, token, agentAddress }
}

export interface RealNode {
  readonly socket: string
  readonly pid: number
  /** Gives this user's processes an identity, and waits until the agent knows it. */
  entry(path: string, more: object): Promise<void>
}

/** An agent of this machine, joined by a token; `more` goes into its configuration. */
export async function nodeOf(t: TestContext, server: TrustDomainServer, at: string, more = ''): Promise<RealNode> {
  const node = 'spiffe://example.org/node'
  const { token } = (await ask(server.address, 'POST', 'spiffe/join-tokens', { ttl: 600, spiffe_id: node }, server.token)).body.data
  const bundle = join(at, 'bundle.pem')
  writeFileSync(bundle, String((await ask(server.address, 'GET', 'spiffe/bundle?format=pem', undefined, server.token)).body))
  mkdirSync(join(at, 'data'), { mode: 0o700 })
  const socket = join(at, 'api.sock')
  const config = join(at, 'agent.hcl')
  writeFileSync(
    config,
    `trust_domain      = "example.org"
server_addresses  = ["${server.agentAddress}"]
trust_bundle_path = "${bundle}"
data_dir          = "${at}/data"
socket_path       = "${socket}"
sync_interval     = "1s"
node_attestor "join_token" { token = "${token}" }
workload_attestor "unix" {}
${more}`,
  )
  const { pid = 0 } = start(t, ['agent', `-config=${config}`], {})
  const fetch = (...args: string[]) => run(SIGNET, ['agent', ...args, `-socket-path=${socket}`])
  const succeeds = (...args: string[]) =>
    fetch(...args).then(
      ({ stdout }) => stdout,
      () => undefined,
    )
  await until('the agent is ready', async () => (await succeeds('healthcheck')) !== undefined)
  return {
    socket,
    pid,
    async entry(path, given) {
      const spiffe_id = `spiffe://example.org${path}`
      await ask(
        server.address,
        'POST',
        'spiffe/entries',
        { spiffe_id, parent_id: node, selectors: `unix:uid:${process.getuid?.()}`, ...given },
        server.token,
      )
      await until('the agent knows', async () => (await succeeds('api', 'fetch', 'x509'))?.includes(spiffe_id) ?? false)
    },
  }
}
