// Tests of policies as text: which policies, for whom, and what they must allow or deny.
import { parseSeconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { time } from '../base/fields.ts'
import { asFolder, parsePath } from '../base/path.ts'
import { type Json, type JsonObject, parseJson } from '../base/json.ts'
import type { Verb } from '../contract/call.ts'
import { type AclRequest, compileAcl } from './acl.ts'
import { isOperation, OPERATIONS } from './capability.ts'
import type { Explanation } from './explain.ts'
import type { Policy } from './policy.ts'
import { parseIdentity } from './suite-identity.ts'
import type { TemplateIdentity } from './template.ts'

/** One expectation, with all that was set before it. */
export interface Check {
  readonly line: number
  /** Names of policy files, as written. */
  readonly files: readonly string[]
  readonly identity: TemplateIdentity | undefined
  /** Wall milliseconds; 0 is before all expirations. */
  readonly now: number
  readonly expected: 'allow' | 'deny'
  /** As written: `read`, `update+sudo`. */
  readonly operation: string
  readonly request: AclRequest
}

export interface Outcome {
  readonly check: Check
  readonly holds: boolean
  readonly explanation: Explanation
}

/**
 * Throws `invalid` with the line that can't be read.
 * @example parseSuite('policies app.hcl\nallow read secret/data/app\ndeny update,delete secret/data/app')
 */
export function parseSuite(text: string): Check[] {
  const checks: Check[] = []
  let state: Pick<Check, 'files' | 'identity' | 'now'> = { files: [], identity: undefined, now: 0 }
  for (const [at, source] of text.split('\n').entries()) {
    try {
      const [word, ...rest] = words(source)
      if (word === undefined) continue
      if (word === 'allow' || word === 'deny') checks.push(...expectations(at + 1, state, word, rest))
      else state = { ...state, ...setting(word, rest) }
    } catch (error) {
      if (error instanceof Fault) throw new Fault('invalid', `line ${at + 1}: ${error.message}`)
      throw error
    }
  }
  return checks
}

/** `load` gives the policy of a file that the suite names. */
export function runSuite(checks: readonly Check[], load: (file: string) => Policy): Outcome[] {
  return checks.map((check) => {
    const explanation = compileAcl(check.files.map(load), check.identity, check.now).explain(check.request)
    return { check, explanation, holds: explanation.decision.allowed === (check.expected === 'allow') }
  })
}

/** Words between spaces; one with spaces in it stands between double quotes. A `#` at the start of a word begins a comment. */
function words(line: string): string[] {
  const found: string[] = []
  for (const [word, quoted] of line.matchAll(/[^\s"]*"((?:[^"\\]|\\.)*)"|\S+/g)) {
    if (quoted === undefined && word.startsWith('#')) break
    found.push(quoted === undefined ? word : word.slice(0, word.indexOf('"')) + quoted.replace(/\\(.)/g, '$1'))
  }
  return found
}

function setting(word: string, rest: readonly string[]): Partial<Pick<Check, 'files' | 'identity' | 'now'>> {
  if (word === 'policies') {
    if (rest.length === 0) throw new Fault('invalid', 'policies: expected the names of policy files')
    return { files: rest }
  }
  if (word === 'identity') return { identity: parseIdentity(rest) }
  if (word !== 'at') throw new Fault('invalid', `unknown word ${JSON.stringify(word)}; a line begins with policies, identity, at, allow or deny`)
  if (rest.length !== 1) throw new Fault('invalid', 'at: expected one time, such as 2030-01-31T12:00:00Z')
  return { now: time('').parse(rest[0] as string) }
}

function expectations(line: number, state: Pick<Check, 'files' | 'identity' | 'now'>, expected: 'allow' | 'deny', rest: readonly string[]): Check[] {
  const [operations, path, ...more] = rest
  if (operations === undefined || path === undefined)
    throw new Fault('invalid', `${expected}: expected operations and a path, such as ${expected} read,list secret/app`)
  if (state.files.length === 0) throw new Fault('invalid', `${expected}: no policies were named before`)
  const { data, wrapTtl } = sent(more)
  return operations.split(',').map((operation) => {
    const [name = '', sudo, ...others] = operation.split('+')
    const asked = isOperation(name) ? OPERATIONS[name] : undefined
    if (!asked || others.length > 0 || (sudo !== undefined && sudo !== 'sudo')) {
      throw new Fault(
        'invalid',
        `unknown operation ${JSON.stringify(operation)}; there are ${Object.keys(OPERATIONS).join(', ')}, each also with +sudo`,
      )
    }
    return { line, ...state, expected, operation, request: { path: pathOf(path, asked.verb), ...asked, sudo: sudo !== undefined, data, wrapTtl } }
  })
}

function pathOf(raw: string, verb: Verb): string {
  const path = parsePath(raw.replace(/^\/+/, ''))
  return verb === 'list' || verb === 'scan' ? asFolder(path) : path
}

/** `name=text`, `name:=JSON`, and `-wrapped=5m` for an answer that is asked to be wrapped. */
function sent(given: readonly string[]): { data: JsonObject; wrapTtl: number | undefined } {
  const data: JsonObject = {}
  let wrapTtl: number | undefined
  for (const word of given) {
    const [, name, json, value = ''] = /^([^=]+?)(:?)=(.*)$/s.exec(word) ?? []
    if (name === undefined) throw new Fault('invalid', `${JSON.stringify(word)} is no parameter; expected name=text or name:=JSON`)
    if (name === '-wrapped') wrapTtl = parseSeconds(value)
    else data[name] = json === ':' ? toJson(value) : value
  }
  return { data, wrapTtl }
}

function toJson(value: string): Json {
  return parseJson(Buffer.from(value))
}
