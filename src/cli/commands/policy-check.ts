// `signet policy test` and `signet policy lint`: policies in files, checked without a server, or with what one says of its mounts.
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { parseSecret } from '../../client/secret.ts'
import { explanationJson } from '../../policy/explanation-json.ts'
import { type Finding, lint as lintPolicies } from '../../policy/lint.ts'
import { parsePolicy } from '../../policy/parse.ts'
import type { Policy } from '../../policy/policy.ts'
import { type Check, type Outcome, parseSuite, runSuite } from '../../policy/suite.ts'
import { command } from '../command.ts'
import { explanationLines } from '../explanation.ts'
import { attempt, Failure, fileProblem } from '../failure.ts'
import { bool } from '../flag.ts'
import { showObject } from '../output/show.ts'
import type { Terminal } from '../terminal.ts'

export const test = command({
  doc: 'Test policies in files against what they must allow and deny',
  about: `
A test file has a line for each expectation. It exits with 0 if all hold, with 1 if not.

    policies app.hcl default.hcl            # files of policies, seen from the test file
    identity entity.name=ann entity.metadata.team=red
    allow read,list secret/data/app/db
    deny  update secret/data/app/db
    allow update auth/token/renew-self increment=3600
    deny  read+sudo sys/audit               # on an endpoint that asks for sudo besides

Parameters are name=text or name:=JSON; -wrapped=5m asks for a wrapped answer; "at 2030-01-31T12:00:00Z" sets the time
by which rules expire, which they do not without it.

    $ signet policy test policies/*.test`,
  args: ['FILE', '[FILE...]'],
  local: true,
  output: 'format',
  async run(terminal, { args }) {
    const ran: (readonly [string, Outcome[]])[] = []
    for (const file of args) ran.push([file, await runFile(terminal, file)])
    if (terminal.format === 'table') for (const [file, outcomes] of ran) printOutcomes(terminal, file, outcomes)
    else
      showObject(
        terminal,
        ran.flatMap(([file, outcomes]) => outcomes.map((outcome) => outcomeJson(file, outcome))),
      )
    return ran.every(([, outcomes]) => outcomes.every(({ holds }) => holds)) ? 0 : 1
  },
})

async function runFile(terminal: Terminal, file: string): Promise<Outcome[]> {
  const checks = inFile(file, await readText(terminal, file), parseSuite)
  if (checks.length === 0) throw new Failure(1, `${file}: it expects nothing`)
  const policies = new Map<string, Policy>()
  for (const name of new Set(checks.flatMap(({ files }) => files))) policies.set(name, await readPolicy(terminal, beside(file, name)))
  return runSuite(checks, (name) => policies.get(name) as Policy)
}

/** What refuses the text of a file names the file. */
function inFile<T>(file: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof Fault) throw new Failure(1, `${file}: ${error.message}`)
    throw error
  }
}

function printOutcomes(terminal: Terminal, file: string, outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ holds }) => !holds)
  for (const { check, explanation } of failed) {
    terminal.print(`${file}:${check.line}: expected ${check.expected} ${check.operation} ${check.request.path}, but`)
    for (const line of explanationLines(explanationJson(check.request, explanation)))
      terminal.print(line === '' ? '' : `    ${line.replaceAll('\n', '\n    ')}`)
    terminal.print('')
  }
  const count = `${outcomes.length} ${outcomes.length === 1 ? 'expectation' : 'expectations'}`
  terminal.print(failed.length === 0 ? `ok      ${file}: ${count} hold` : `FAILED  ${file}: ${failed.length} of ${count} do not hold`)
}

function outcomeJson(file: string, { check, holds, explanation }: Outcome): JsonObject {
  const { line, expected }: Check = check
  return { file, line, expected, holds, ...explanationJson(check.request, explanation) }
}

export const lint = command({
  doc: 'Look for rules in policy files that do not do what they seem to',
  about: `
Each file is looked at by itself; with -together as what one token has. Exits with 0 where nothing was found, with 1
otherwise.

    $ signet policy lint app.hcl
    $ signet policy lint -together default.hcl app.hcl

Which mounts are KV version 2, where rules go by "secret/data/app" in place of "secret/app", is taken from rules that
say so; with -mounts the server is asked, and nothing else is.

    $ signet policy lint -mounts -address=https://signet.example:8200 app.hcl`,
  args: ['FILE', '[FILE...]'],
  flags: {
    together: bool('Look at all files as the policies of one token.'),
    mounts: bool('Ask the server which mounts there are.'),
  },
  output: 'format',
  async run(terminal, { args, flags: { together, mounts } }) {
    const policies: Policy[] = []
    for (const file of args) policies.push({ ...(await readPolicy(terminal, file)), name: file })
    const sudoPaths = await terminal.ports.sudoPaths()
    const kv2 = mounts ? await attempt('Error listing the mounts', () => kv2Mounts(terminal)) : undefined
    const findings = (together ? [policies] : policies.map((one) => [one])).flatMap((set) => lintPolicies(set, { sudoPaths, kv2 }))
    if (terminal.format === 'table') printFindings(terminal, findings)
    else
      showObject(
        terminal,
        findings.map(({ policy: file, ...finding }) => ({ file, ...finding })),
      )
    return findings.length > 0 ? 1 : 0
  },
})

/** Those that the token in use can see. */
async function kv2Mounts(terminal: Terminal): Promise<string[]> {
  const client = await terminal.client()
  const { secret } = parseSecret((await client.call('GET', 'sys/internal/ui/mounts')).body)?.data ?? {}
  return Object.entries(isObject(secret) ? secret : {}).flatMap(([path, mount]) => {
    const options = isObject(mount) && mount['type'] === 'kv' ? mount['options'] : undefined
    return isObject(options) && options['version'] === '2' ? [path] : []
  })
}

function printFindings(terminal: Terminal, findings: readonly Finding[]): void {
  for (const { policy, line, path, check, text } of findings) terminal.print(`${policy}:${line}: ${JSON.stringify(path)} ${text} [${check}]`)
  if (findings.length === 0) terminal.print('Nothing was found.')
}

async function readPolicy(terminal: Terminal, file: string): Promise<Policy> {
  const name = file.replace(/^.*\//, '').replace(/\.(hcl|json)$/, '')
  return inFile(file, await readText(terminal, file), (text) => parsePolicy(name, text))
}

async function readText(terminal: Terminal, file: string): Promise<string> {
  const bytes = await terminal.ports.files.read(file).catch((error: unknown) => {
    throw new Failure(1, `open ${file}: ${fileProblem(error)}`)
  })
  return Buffer.from(bytes).toString()
}

/** A name in a file is seen from that file. */
function beside(file: string, name: string): string {
  const folder = file.replace(/[^/]*$/, '')
  return name.startsWith('/') ? name : folder + name
}
