// A naive access control list, written from the rules and not from the code, with random policies and requests to ask it and the real one.
import fc from 'fast-check'
import type { Capability, Verb } from '../contract/call.ts'

export interface TwinRule {
  readonly path: string
  readonly capabilities: readonly Capability[]
}

/** What one matching pattern says in all policies together: undefined where none of them has it. */
function union(policies: readonly TwinRule[][], path: string): ReadonlySet<Capability> {
  const all = policies.flat().filter((rule) => rule.path === path)
  const names = new Set(all.flatMap(({ capabilities }) => capabilities))
  return names.has('deny') ? new Set() : names
}

const wild = (path: string) => path.endsWith('*') || hasPlus(path)
const hasPlus = (path: string) => path === '+' || path.startsWith('+/') || path.includes('/+')

function matches(pattern: string, path: string): boolean {
  const glob = pattern.endsWith('*')
  const segments = (glob ? pattern.slice(0, -1) : pattern).split('/')
  const source = segments.map((segment) => (segment === '+' ? '[^/]*' : segment.replace(/[+*.]/g, '\\$&'))).join('/')
  return new RegExp(`^${source}${glob ? '.*' : ''}$`, 's').test(path)
}

/** The order of preference, best last, as a list of numbers and a text to compare. */
function preference(pattern: string): [number, number, number, number, string] {
  const glob = pattern.endsWith('*')
  const text = glob ? pattern.slice(0, -1) : pattern
  const plus = hasPlus(pattern)
  const first = plus ? text.indexOf('+') : text.length
  return [first, glob ? 0 : 1, plus ? -text.split('/').filter((segment) => segment === '+').length : 0, text.length, text]
}

function prefer(a: string, b: string): string {
  const [left, right] = [preference(a), preference(b)]
  for (let i = 0; i < left.length; i++) {
    const [x, y] = [left[i] as number, right[i] as number]
    if (x !== y) return x > y ? a : b
  }
  return a
}

function preferred(a: string | undefined, b: string): string {
  return a === undefined ? b : prefer(a, b)
}

function denies(policies: readonly TwinRule[][], path: string): boolean {
  return policies.flat().some((rule) => rule.path === path && rule.capabilities.includes('deny'))
}

/** The path of the rule that decides; undefined where none matches. */
export function twinWinner(policies: readonly TwinRule[][], path: string, folder: boolean): string | undefined {
  const paths = policies.flat().map((rule) => rule.path)
  const bare = folder && path.endsWith('/') ? path.slice(0, -1) : path
  for (const exact of [path, bare]) if (paths.some((one) => !wild(one) && one === exact)) return exact
  const [whole, cut] = [path, bare].map((asked) =>
    paths.filter((one) => wild(one) && matches(one, asked)).reduce<string | undefined>(preferred, undefined),
  )
  const denied = whole !== undefined && cut !== undefined && prefer(whole, cut) === cut && denies(policies, cut)
  return denied ? cut : (whole ?? cut)
}

/** What that rule grants, in all policies together. */
export function twinOf(policies: readonly TwinRule[][], path: string, folder: boolean): ReadonlySet<Capability> {
  const winner = twinWinner(policies, path, folder)
  return winner === undefined ? new Set() : union(policies, winner)
}

const segment = fc.constantFrom('a', 'b', 'ab', '+', '+', '+a', 'a+', '')
const rulePath = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '*', '/*', '/'))
  .map(([segments, end]) => segments.join('/') + end)
  .filter((path) => !path.includes('+*') && !path.startsWith('/') && path !== '')
const capability = fc.constantFrom<Capability>('create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo')
const capabilities = fc.oneof(
  { weight: 5, arbitrary: fc.uniqueArray(capability, { maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constant<Capability[]>(['deny']) },
)
export const policySet = fc.array(fc.array(fc.record({ path: rulePath, capabilities }), { minLength: 1, maxLength: 6 }), {
  minLength: 1,
  maxLength: 4,
})
const requestPath = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'ab', 'a+', '+a', '+', 'c'), { minLength: 1, maxLength: 4 }), fc.constantFrom('', '', '/'))
  .map(([segments, end]) => segments.join('/') + end)
const verb = fc.constantFrom<Verb>('read', 'list', 'scan', 'write', 'patch', 'delete', 'help')
export const requests = fc.array(fc.tuple(requestPath, verb, fc.boolean(), fc.boolean()), { minLength: 12, maxLength: 12 })

export function textOf(rules: readonly TwinRule[], json: boolean): string {
  if (json) return JSON.stringify({ path: rules.map(({ path, capabilities }) => ({ [path]: { capabilities } })) })
  return rules.map(({ path, capabilities }) => `path "${path}" { capabilities = ${JSON.stringify(capabilities)} }\n`).join('')
}
