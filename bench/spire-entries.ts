// How long it takes from an entry that is made until the workload has its SVID: of one or two pairs of server and agent, in turn.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import grpc from '@grpc/grpc-js'
import { HEADER, X509SvidRequest, SERVICE, X509SvidResponse } from '../src/agent/workload/messages.ts'
import { openGrpcClient } from '../src/wire/grpc-client.ts'
import { Histogram } from './histogram.ts'
import { parseNumber } from './options.ts'
import { createEntry, deleteEntry, PAIR_USAGE, type Pair, parsePair } from './spire-pair.ts'

const USAGE = `
node_modules/.bin/node bench/spire-entries.ts --a name=/run/agent.sock,server=/run/admin.sock,parent=spiffe://… [--b name=…]

  --a, --b   ${PAIR_USAGE}
  --count    entries that are made, one after the other (default: 50)
`

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

/** Milliseconds. The moment of the entry falls anywhere between two looks of an agent that polls. */
async function delayOf(pair: Pair, n: number): Promise<number> {
  const path = `/bench/${process.pid}/${n}`
  const seen = watch(pair.agent, path)
  await sleep(Math.random() * 1000)
  const id = await createEntry(pair, path)
  const since = performance.now()
  await seen
  const delay = performance.now() - since
  await deleteEntry(pair, id)
  return delay
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
