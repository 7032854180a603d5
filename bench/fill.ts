// Fills a KV version 2 mount with N secrets through the API, as fast as the server takes them.
import { parseArgs } from 'node:util'
import { Client } from './client.ts'
import { FILLED_MOUNT, mountKv, toKey, toSecret } from './dataset.ts'
import { parseNumber } from './options.ts'
import { parseTarget, parseToken } from './target.ts'

const USAGE = `
node bench/fill.ts --address http://127.0.0.1:8200 --token … [--count 1000000] [--from 0] [--connections 64] [--insecure-tls]

  --token   the token itself, or @file
  --from    number of the first secret: continue where an earlier run stopped
`
const REPORT_MILLISECONDS = 5000

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      address: text,
      token: text,
      count: { ...text, default: '1000000' },
      from: { ...text, default: '0' },
      connections: { ...text, default: '64' },
      'insecure-tls': { type: 'boolean', default: false },
    },
  })
  if (values.address === undefined || values.token === undefined) throw new Error(`--address and --token are needed\n${USAGE}`)
  const target = { ...parseTarget(`fill=${values.address}`, values['insecure-tls']), token: parseToken(values.token) }
  const from = parseNumber('from', values.from, 0)
  const count = parseNumber('count', values.count, 1)
  const client = new Client(target)
  await mountKv(client, FILLED_MOUNT)
  const report = reporter(count)
  await client.each(
    count,
    parseNumber('connections', values.connections, 1),
    (i) => ({ method: 'POST', path: `/v1/${FILLED_MOUNT}/data/${toKey(from + i)}`, body: { data: toSecret(from + i) } }),
    report,
  )
}

/** Says every few seconds, and at the end, how far it is and how fast it went since the start. */
function reporter(count: number): (done: number) => void {
  const started = performance.now()
  let due = started + REPORT_MILLISECONDS
  return (done) => {
    const now = performance.now()
    if (now < due && done < count) return
    due = now + REPORT_MILLISECONDS
    process.stdout.write(
      `${done} of ${count} in ${((now - started) / 1000).toFixed(1)} s, ${((done * 1000) / (now - started)).toFixed(0)} a second\n`,
    )
  }
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
})
