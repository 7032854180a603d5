// How long it takes from an entry that is made until the workload has its SVID: of one or two pairs of server and agent, in turn.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import grpc from '@grpc/grpc-js'
import { HEADER, X509SvidRequest, SERVICE, X509SvidResponse } from '../src/agent/workload/messages.ts'
import * as wire from '../src/edge/spire/admin/messages.ts'
import { type GrpcClient, openGrpcClient } from '../src/wire/grpc-client.ts'
import { Histogram } from './histogram.ts'
import { parseNumber } from './options.ts'
import { split } from './target.ts'

const USAGE = `
node_modules/.bin/node bench/spire-entries.ts --a name=/run/agent.sock,server=/run/admin.sock,parent=spiffe://… [--b name=…]

  --a, --b   the agent's socket; then the server's administrative socket, and the parent of the entries: the ID of the agent, or of an alias
  --count    entries that are made, one after the other (default: 50)
`

interface Pair {
  readonly name: string
  readonly agent: string
  readonly server: GrpcClient
  readonly parent: string
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { a: text, b: text, count: { ...text, default: '50' }, help: { type: 'boolean', default: false } } })
  if (values.help || values.a === undefined) return void process.stdout.write(USAGE)
  const count = parseNumber('count', values.count, 1)
  const pairs = [values.a, values.b].flatMap((each) => (each === undefined ? [] : [parsePair(each)]))
  const latencies = pairs.map(() => new Histogram())
  for (let n = 0; n < count; n++) {
    for (const [at, pair] of pairs.entries()) latencies[at]?.record((await delayOf(pair, n)) * 1000)
  }
  for (const [at, { name, server }] of pairs.entries()) {
    const ms = (fraction: number): string => ((latencies[at]?.quantile(fraction) ?? 0) / 1000).toFixed(1)
    console.log(`${name}: from entry to SVID half within ${ms(0.5)} ms, 99 % within ${ms(0.99)} ms, of ${count}`)
    server.close()
  }
}

/** Reads `name=agent socket,server=admin socket,parent=SPIFFE ID`; throws a plain Error that says what is wrong. */
function parsePair(given: string): Pair {
  const [where = '', ...facts] = given.split(',')
  const [name, agent] = split(where)
  const { server, parent } = Object.fromEntries(facts.map(split))
  if (!name || !agent || !server || !parent) throw new Error(`"${given}" is not name=socket,server=socket,parent=spiffe://…`)
  return { name, agent, server: openGrpcClient(`unix:${server}`, grpc.credentials.createInsecure()), parent }
}

/** Milliseconds. The moment of the entry falls anywhere between two looks of an agent that polls. */
async function delayOf({ agent, server, parent }: Pair, n: number): Promise<number> {
  const path = `/bench/${process.pid}/${n}`
  const seen = watch(agent, path)
  await sleep(Math.random() * 1000)
  const id = await create(server, parent, path)
  const since = performance.now()
  await seen
  const delay = performance.now() - since
  await server.ask('/spire.api.server.entry.v1.Entry/BatchDeleteEntry', wire.BatchDeleteEntryRequest, wire.BatchDeleteEntryResponse, { ids: [id] })
  return delay
}

async function create(server: GrpcClient, parent: string, path: string): Promise<string> {
  const { host: trustDomain, pathname } = new URL(parent)
  const entry = {
    spiffeId: { trustDomain, path },
    parentId: { trustDomain, path: pathname },
    selectors: [{ type: 'unix', value: `uid:${process.getuid?.() ?? 0}` }],
  }
  const method = '/spire.api.server.entry.v1.Entry/BatchCreateEntry'
  const { results } = await server.ask(method, wire.BatchCreateEntryRequest, wire.EntryResults, { entries: [entry] })
  const [result] = results
  if (!result?.entry?.id) throw new Error(`the entry was not made: ${result?.status?.message}`)
  return result.entry.id
}

/** Resolves when this process was given the identity. Streams end while there is none, and are opened again at once. */
async function watch(agent: string, path: string): Promise<void> {
  const client = openGrpcClient(`unix:${agent}`, grpc.credentials.createInsecure())
  try {
    for (;;) {
      const stream = client.listen(`/${SERVICE}/FetchX509SVID`, X509SvidRequest, X509SvidResponse, {}, { metadata: { [HEADER]: 'true' } })
      for (let heard = await next(stream); heard; heard = await next(stream)) {
        if (heard.svids.some(({ spiffeId }) => spiffeId?.endsWith(path))) return stream.cancel()
      }
      await sleep(RETRY_MS)
    }
  } finally {
    client.close()
  }
}

const RETRY_MS = 5

type Heard = { readonly svids: readonly { readonly spiffeId?: string }[] }

/** Undefined where there is no identity. */
function next(stream: { next(): Promise<Heard | undefined> }): Promise<Heard | undefined> {
  return stream.next().catch(() => undefined)
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
