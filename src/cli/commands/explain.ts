// `signet explain`: asks the agent of this machine why a workload has the identities that it has, or none.
import type { JsonObject } from '../../base/json.ts'
import { command, group } from '../command.ts'
import { Failure } from '../failure.ts'
import { int, or, orEnv, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { printable } from '../output/text.ts'
import type { ExplainedWorkload } from '../explained.ts'
import { entryLine, reasons } from './entry/explain.ts'

const DEFAULT_SOCKET = '/run/signet-agent-admin/api.sock'

const workload = command({
  doc: 'Explain what a process gets of the agent of this machine, and why',
  about: `
Says what each attestor saw of the process, or why it could not, which entries that makes it, whether their SVIDs are there, and
what is missing from those entries of this agent that nearly describe it.

    $ signet explain workload -pid=4242
    $ signet explain workload -pid=$(pgrep -o nginx) -format=json`,
  local: true,
  flags: {
    pid: int('Number of the process.'),
    'admin-socket-path': orEnv(or(text('Socket of the agent for its operators.'), DEFAULT_SOCKET), 'AGENT_ADMIN_SOCKET'),
  },
  output: 'format',
  async run(terminal, { flags }) {
    const { pid } = flags
    if (pid === undefined) throw new Failure(1, 'a process is needed: -pid')
    if (pid <= 0 || pid > MOST) throw new Failure(1, `${pid} is not the number of a process`)
    const admin = await terminal.ports.openAgentAdmin(flags['admin-socket-path'])
    try {
      const explained = await admin.explainWorkload(pid)
      if (terminal.format !== 'table') showObject(terminal, given(explained))
      else for (const line of linesOf(explained)) terminal.print(printable(line))
    } finally {
      admin.close()
    }
  },
})

/** A number has 32 bits on the wire. */
const MOST = 2 ** 31 - 1

/** Without what is absent. */
const given = (explained: ExplainedWorkload): JsonObject => JSON.parse(JSON.stringify(explained)) as JsonObject

function* linesOf({ pid, name, agent, parents, attestors, problem, entries, near, farther }: ExplainedWorkload): Generator<string> {
  yield `Process ${pid} (${name})`
  yield agent ? `Agent   ${agent.spiffe_id}, until ${agent.expires_at}` : 'Agent   without an identity of its own now'
  for (const parent of parents) yield `Node    ${parent}`
  yield ''
  yield 'Seen of it:'
  for (const one of attestors) yield* seen(one)
  yield ''
  yield* verdict(problem, entries.length)
  for (const one of entries) yield* held(one)
  if (near.length === 0) return
  yield ''
  yield 'Nearly described by:'
  for (const { entry, missing, store_svid: stored } of near) {
    yield entryLine({ ...entry })
    yield* reasons({ missing: missing.map((one) => ({ selector: one.selector, instead: [...one.instead] })) }, undefined)
    if (stored) yield '      its SVIDs are for a store, and for no process'
  }
  if (farther > 0) yield `  … and ${farther} that are further away`
}

function* seen({ type, selectors, problem }: ExplainedWorkload['attestors'][number]): Generator<string> {
  if (problem !== undefined) {
    yield `  ${type} could not find out: ${problem}`
    if (/\b(EACCES|EPERM)\b/.test(problem)) yield '      hint: an agent sees processes of other users as root, or with CAP_SYS_PTRACE'
  } else if (selectors.length === 0) yield `  ${type} has nothing to say of it`
  for (const one of selectors) yield `  ${one}`
}

function* verdict(problem: string | undefined, matching: number): Generator<string> {
  if (problem !== undefined) yield `It gets nothing: ${problem}`
  if (matching === 0) yield 'No entry of this agent describes it'
  else yield problem === undefined ? 'Described by:' : 'By what was seen it would be described by:'
}

function* held({
  hint,
  hidden_by: hiddenBy,
  x509_svid: x509,
  wit_svid: wit,
  jwt_svids: jwts,
  ...entry
}: ExplainedWorkload['entries'][number]): Generator<string> {
  yield entryLine({ ...entry })
  if (hint !== undefined)
    yield `      hint ${hint}${hiddenBy === undefined ? '' : `, which the older entry ${hiddenBy} has too: that one is given in its place`}`
  yield x509 ? `      X509-SVID until ${x509.expires_at}, to be renewed from ${x509.renew_at}` : '      no X509-SVID is there yet'
  if (wit) yield `      WIT-SVID until ${wit.expires_at}, to be renewed from ${wit.renew_at}`
  for (const one of jwts) yield `      JWT-SVID for ${one.audience.join(', ')} until ${one.expires_at}`
}

export const explain = group(
  'Explain what the agent of this machine does',
  { workload },
  `
Asks an agent at its admin socket. What a server knows is explained by "entry explain" and "policy explain".`,
)
