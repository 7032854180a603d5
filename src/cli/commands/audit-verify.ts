// `signet audit verify`: whether audit logs are as they were written, by the chains in them and the key of their server.
import type { JsonObject } from '../../base/json.ts'
import { isObject } from '../../base/json.ts'
import type { Head } from '../../audit/chain.ts'
import { linesIn } from '../../audit/split.ts'
import { type Report, Verifier, type VerifyOptions } from '../../audit/verify.ts'
import { keyIdOf, readPublicKey } from '../../crypto/signature.ts'
import { command } from '../command.ts'
import { attempt, Failure, fileProblem } from '../failure.ts'
import { bool, text } from '../flag.ts'
import { cleanPath } from '../mount-path.ts'
import { showObject } from '../output/show.ts'
import { table } from '../output/table.ts'
import { goText } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'

export const verify = command({
  doc: 'Check that audit logs are as they were written',
  about: `
Files are given in the order in which they were written; "-" is standard input. What was altered, removed, moved,
repeated or cut off is told with its place, and the exit code is then 2.

    $ signet audit verify -device=file /var/log/signet/audit.log.1 /var/log/signet/audit.log

Without a server, with what was kept of it:

    $ signet read -format=json sys/audit-chain/file > anchor.json
    $ signet audit verify -key=anchor.json /var/log/signet/audit.log`,
  args: ['FILES...'],
  flags: {
    complete: bool('The files hold the log from its very beginning.'),
    device: text('Ask the server how far the chains of this device have come.'),
    key: text('File with the public key: PEM, or what the server says of a device, as JSON.'),
  },
  output: 'format',
  async run(terminal, { args, flags: { complete, device, key } }) {
    const anchor = key === undefined ? await askAnchor(terminal, device) : await readAnchor(terminal, key)
    const report = await readLogs(terminal, args, { ...anchor, complete })
    if (terminal.format === 'table') print(terminal, report)
    else showObject(terminal, toJson(report))
    return report.findings.length > 0 ? 2 : 0
  },
})

type Anchor = Pick<VerifyOptions, 'key' | 'heads'>

async function askAnchor(terminal: Terminal, device: string | undefined): Promise<Anchor> {
  const client = await terminal.client()
  const path = device === undefined ? 'sys/audit-chain' : `sys/audit-chain/${cleanPath(device)}`
  const secret = await attempt('Error asking for the key of audit logs', () => client.read(path))
  if (!secret?.data) throw new Failure(2, 'The server has no key for audit logs: no audit device was ever enabled')
  return toAnchor(secret.data)
}

async function readAnchor(terminal: Terminal, path: string): Promise<Anchor> {
  const bytes = await terminal.ports.files.read(path).catch((error: unknown) => {
    throw new Failure(1, `Error reading the key: open ${path}: ${fileProblem(error)}`)
  })
  const said = Buffer.from(bytes).toString()
  if (!said.trimStart().startsWith('{')) return toAnchor({ public_key: said })
  const answer: unknown = await attempt(`Error in ${path}`, async () => parse(said), 1)
  const data = isObject(answer) && isObject(answer['data']) ? answer['data'] : answer
  return toAnchor(isObject(data) ? data : {})
}

function parse(said: string): unknown {
  try {
    return JSON.parse(said)
  } catch {
    throw new Failure(1, 'it is no JSON')
  }
}

function toAnchor({ public_key: pem, chains }: JsonObject): Anchor {
  try {
    const key = readPublicKey(String(pem))
    return { key: { id: keyIdOf(key), key }, heads: Array.isArray(chains) ? chains.filter(isObject).map(toHead) : [] }
  } catch {
    throw new Failure(1, 'The key is no Ed25519 public key in PEM')
  }
}

function toHead({ id, seq, hash }: JsonObject): Head {
  return { id: String(id), seq: Number(seq), hash: String(hash) }
}

async function readLogs(terminal: Terminal, paths: readonly string[], options: VerifyOptions): Promise<Report> {
  const verifier = new Verifier(options)
  for (const file of paths) {
    let line = 0
    try {
      for await (const one of linesIn(file === '-' ? stdin(terminal) : terminal.ports.files.chunks(file))) {
        verifier.read(one.line, { file, line: ++line }, one.ended)
      }
    } catch (error) {
      throw new Failure(1, `Error reading the log: open ${file}: ${fileProblem(error)}`)
    }
  }
  return verifier.report()
}

async function* stdin(terminal: Terminal): AsyncGenerator<Uint8Array> {
  yield await terminal.readStdin()
}

function print(terminal: Terminal, { lines, chains, findings, notes }: Report): void {
  const rows = chains.map((one) => [one.id, one.device, `${one.first} to ${one.last}`, `${one.vouched}`, one.ended ? 'yes' : 'no'])
  if (chains.length > 0) terminal.print(`${table(['Chain', 'Device', 'Lines', 'Signed up to', 'Ended'], rows)}\n`)
  for (const note of notes) terminal.warn(`note: ${note}`)
  for (const { at, text: what } of findings) terminal.warn(at ? `${at.file}:${at.line}: ${what}` : what)
  if (findings.length > 0) terminal.warn(`The log is not as it was written: ${findings.length} findings in ${lines} lines.`)
  else terminal.print(`Success! ${lines} lines in ${chains.length} chains are as they were written.`)
}

function toJson({ lines, chains, findings, notes }: Report): JsonObject {
  return {
    lines,
    chains: chains.map((chain) => ({ ...chain })),
    findings: findings.map(({ at, text: what }) => ({ file: at?.file ?? '', line: at?.line ?? 0, text: goText(what) })),
    notes: [...notes],
  }
}
