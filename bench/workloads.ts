// Many workloads on the socket of an agent: what it costs the agent that they connect, that they stay, and that all get a new identity.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import grpc from '@grpc/grpc-js'
import { HEADER, SERVICE, X509SvidRequest, X509SvidResponse } from '../src/agent/workload/messages.ts'
import { parseNumber } from './options.ts'
import { usageOf } from './process-tree.ts'
import { createEntry, deleteEntry, PAIR_USAGE, type Pair, parsePair } from './spire-pair.ts'

const USAGE = `
node_modules/.bin/node bench/workloads.ts --a name=/run/agent.sock,server=/run/admin.sock,parent=spiffe://…,pid=… [--b name=…]

  --a, --b   ${PAIR_USAGE};
             and the pid of the agent
  --count    workloads, each with a connection and a stream of its own (default: 1000)
  --changes  entries that are made one after the other, each of which is one more identity for all of them (default: 5)
`

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { a: text, b: text, count: text, changes: text, help: { type: 'boolean' } } })
  if (values.help || values.a === undefined) return void process.stdout.write(USAGE)
  const count = parseNumber('count', values.count ?? '1000', 1)
  const changes = parseNumber('changes', values.changes ?? '5', 1)
  for (const each of [values.a, values.b]) if (each !== undefined) await measure(parsePair(each), count, changes)
}

async function measure(pair: Pair, count: number, changes: number): Promise<void> {
  const say = (what: string) => process.stdout.write(`${pair.name}: ${what}\n`)
  const path = (name: string | number) => `/bench/${process.pid}/${name}`
  const made = [await createEntry(pair, path('first'))]
  await known(pair, path('first'))
  const before = usage(pair)
  const since = performance.now()
  const workloads = Array.from({ length: count }, () => openWorkload(pair.agent))
  await Promise.all(workloads.map((one) => one.has(path('first'))))
  const seconds = (performance.now() - since) / 1000
  const connected = usage(pair)
  say(`${count} workloads had their first SVID within ${seconds.toFixed(2)} s, for ${(connected.cpu - before.cpu).toFixed(2)} s of CPU`)
  await sleep(SETTLE_MS)
  const settled = usage(pair)
  const each = (settled.bytes - before.bytes) / count / 1024
  say(`${(settled.bytes / 1e6).toFixed(0)} MB resident, ${(before.bytes / 1e6).toFixed(0)} MB before them: ${each.toFixed(0)} KiB each`)
  const told: number[] = []
  const cpu = usage(pair).cpu
  for (let n = 0; n < changes; n++) {
    const at = performance.now()
    made.push(await createEntry(pair, path(n)))
    await Promise.all(workloads.map((one) => one.has(path(n))))
    told.push(performance.now() - at)
  }
  const middle = told.sort((a, b) => a - b)[Math.floor(told.length / 2)] ?? 0
  say(
    `one more identity was at all of them within ${middle.toFixed(0)} ms (median of ${changes}), for ${(((usage(pair).cpu - cpu) / changes) * 1000).toFixed(0)} ms of CPU`,
  )
  for (const one of workloads) one.close()
  for (const id of made) await deleteEntry(pair, id)
  pair.server.close()
}

/** After which an agent has thrown away what it only needed for a moment. */
const SETTLE_MS = 5_000
const RETRY_MS = 100

/** The agent knows the first entry. */
async function known({ agent }: Pair, path: string): Promise<void> {
  for (;;) {
    const workload = openWorkload(agent)
    const found = await Promise.race([workload.has(path).then(() => true), sleep(RETRY_MS)])
    workload.close()
    if (found) return
  }
}

/** `has` resolves when it has been given the identity whose path this is. */
function openWorkload(agent: string): { has(path: string): Promise<void>; close(): void } {
  // A connection of its own, as every process has.
  const client = new grpc.Client(`unix:${agent}`, grpc.credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 })
  const metadata = new grpc.Metadata()
  metadata.set(HEADER, 'true')
  const encode = (request: object) => X509SvidRequest.encode(request)
  const stream = client.makeServerStreamRequest(`/${SERVICE}/FetchX509SVID`, encode, (bytes) => X509SvidResponse.decode(bytes), {}, metadata)
  let held: readonly string[] = []
  let wake = (): void => {}
  let closed = false
  stream.on('error', ({ code, message }: grpc.ServiceError) => {
    if (closed || code === grpc.status.PERMISSION_DENIED) return // it has no identity yet
    process.stderr.write(`a workload was cut off: ${message}\n`)
    process.exit(1)
  })
  stream.on('data', ({ svids }: { readonly svids: readonly { readonly spiffeId?: string }[] }) => {
    held = svids.map(({ spiffeId }) => spiffeId ?? '')
    wake()
  })
  return {
    async has(path) {
      while (!held.some((id) => id.endsWith(path))) await new Promise<void>((resolve) => (wake = resolve))
    },
    close() {
      closed = true
      stream.cancel()
      client.close()
    },
  }
}

function usage({ pid }: Pair): { readonly cpu: number; readonly bytes: number } {
  const found = pid === undefined ? undefined : usageOf(pid)
  return { cpu: found?.cpuSeconds ?? 0, bytes: found?.rssBytes ?? 0 }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
