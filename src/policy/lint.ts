// Finds rules that do not do what they seem to: that never decide, grant nothing, or are got around.
import { BIT, capabilitiesOf, grantsAny } from './capability.ts'
import { type Kv2Mount, lintKv, mountInRule } from './lint-kv.ts'
import { lintPath } from './lint-path.ts'
import { covers, overlaps, shapeOf } from './overlap.ts'
import { compareSpecificity, toPattern } from './pattern.ts'
import type { Policy, Rule } from './policy.ts'

export interface Finding {
  readonly policy: string
  readonly line: number
  /** As written. */
  readonly path: string
  /** Which of the checks. */
  readonly check: string
  readonly text: string
}

/** A rule and whose it is. */
interface Own {
  readonly policy: string
  readonly rule: Rule
}

export interface LintOptions {
  /** Paths of endpoints that ask for sudo, with `:name` for a segment and `*name` for the rest. */
  readonly sudoPaths: readonly string[]
  /** Paths of all mounts of KV version 2, where a server was asked; otherwise rules that speak of their data tell of them. */
  readonly kv2?: readonly string[] | undefined
}

/** Of policies that one token has together; in order of the texts. */
export function lint(policies: readonly Policy[], { sudoPaths, kv2 }: LintOptions): Finding[] {
  const all = policies.flatMap(({ name, rules }) => rules.map((rule): Own => ({ policy: name, rule })))
  const sudo = sudoPaths.map((template) => shapeOf(template.replace(/:[^/]+/g, '+').replace(/\*\w+/, '*')))
  return all.flatMap((own) =>
    [
      ...lintPath(own.rule),
      ...lintKv(own.rule, kv2?.map((path) => ({ path, known: 'as the server says' })) ?? mountsIn(all, own)),
      ...repeated(own, all),
      ...empty(own.rule),
      ...shadowed(own, all),
      ...deny(own, all),
      ...uselessSudo(own.rule, sudo),
      ...neverAsked(own.rule),
      ...unchecked(own.rule),
      ...bypassed(own, all),
    ].map(([check, text]) => ({ policy: own.policy, line: own.rule.line, path: own.rule.path, check, text })),
  )
}

export type Found = readonly [check: string, text: string]

function at({ policy, rule }: Own, from: Own): string {
  return policy === from.policy ? `line ${rule.line}` : `line ${rule.line} of ${policy}`
}

/** Of KV version 2, as the rules have it. */
function mountsIn(all: readonly Own[], from: Own): Kv2Mount[] {
  return all.flatMap((one) => {
    const path = mountInRule(one.rule)
    return path === undefined ? [] : [{ path, known: `as ${at(one, from)} has it` }]
  })
}

function repeated(own: Own, all: readonly Own[]): Found[] {
  const first = all.find(({ rule }) => rule.path === own.rule.path)
  if (!first || first === own) return []
  const both = hasParameters(own.rule) !== hasParameters(first.rule) ? '; where only one limits parameters, the other is limited too' : ''
  return [['repeated', `the same path as on ${at(first, own)}: they count as one rule${both}`]]
}

function empty({ bits }: Rule): Found[] {
  return bits === 0 ? [['empty', 'grants nothing, and hides what less exact rules grant here; "deny" says so plainly']] : []
}

/** Templates are left out: what they become is not known. */
function shadowed(own: Own, all: readonly Own[]): Found[] {
  const winner = all.find((other) => other.rule.path !== own.rule.path && hides(other.rule, own.rule))
  return winner
    ? [['shadowed', `never decides: ${JSON.stringify(winner.rule.path)} on ${at(winner, own)} has all its paths, and goes before it`]]
    : []
}

function hides(winner: Rule, loser: Rule): boolean {
  if (winner.templated || loser.templated) return false
  const [a, b] = [toPattern(winner.path), toPattern(loser.path)]
  return a !== undefined && b !== undefined && compareSpecificity(a, b) > 0 && covers(a, b)
}

function deny(own: Own, all: readonly Own[]): Found[] {
  if (!(own.rule.bits & BIT.deny)) return []
  const around = all.filter(({ rule }) => grantsAny(rule.bits) && isWithin(rule, own.rule))
  return around.map((other): Found => {
    const granted = capabilitiesOf(other.rule.bits).join(', ')
    return ['deny-overridden', `does not hold for ${JSON.stringify(other.rule.path)}, where ${at(other, own)} grants ${granted}`]
  })
}

/** More exact, and on paths of the other. */
function isWithin(inner: Rule, outer: Rule): boolean {
  if (inner.templated || outer.templated || inner.path === outer.path) return false
  const [a, b] = [toPattern(inner.path), toPattern(outer.path)]
  return b !== undefined && (a === undefined || compareSpecificity(a, b) > 0) && overlaps(shapeOf(inner.path), b)
}

function uselessSudo({ path, bits, templated }: Rule, sudo: readonly ReturnType<typeof shapeOf>[]): Found[] {
  if (templated) return []
  const own = shapeOf(path)
  if (bits & BIT.sudo)
    return sudo.some((one) => overlaps(own, one)) ? [] : [['sudo-useless', 'sudo has no effect: no endpoint under this path asks for it']]
  const asks = toPattern(path) === undefined && sudo.some((one) => overlaps(own, one) && !one.glob && !one.segments.includes('+'))
  return asks && grantsAny(bits) ? [['sudo-missing', 'grants nothing without sudo, which this endpoint asks for besides']] : []
}

/** Only lists and scans end in a slash. */
function neverAsked({ path, bits }: Rule): Found[] {
  const asked = bits & ~(BIT.list | BIT.scan | BIT.sudo | BIT.deny)
  if (!path.endsWith('/') || asked === 0) return []
  return [['never-asked', `only list and scan ask for a path that ends in "/": ${capabilitiesOf(asked).join(', ')} never apply`]]
}

function hasParameters({ allowed, denied, required }: Rule): boolean {
  return Boolean(allowed?.size || denied?.size || required.length > 0)
}

const CHECKED = BIT.create | BIT.update | BIT.patch | BIT.read

function unchecked(rule: Rule): Found[] {
  const { bits, allowed, denied } = rule
  if (!hasParameters(rule)) return []
  const free = bits & ~CHECKED & ~BIT.sudo & ~BIT.deny
  const both = [...(allowed?.keys() ?? [])].filter((name) => denied?.get(name)?.length === 0)
  return [
    ...(bits & CHECKED ? [] : [['parameters-unchecked', `parameters are not looked at for ${capabilitiesOf(bits).join(', ')}`] as const]),
    ...(bits & CHECKED && free ? [['parameters-unchecked', `parameters are not looked at for ${capabilitiesOf(free).join(', ')}`] as const] : []),
    ...both.map((name) => ['parameters-contradict', `the parameter ${JSON.stringify(name)} is allowed and denied: it is denied`] as const),
  ]
}

/** A rule without the limits that is more exact takes the paths that it has out of them. */
function bypassed(own: Own, all: readonly Own[]): Found[] {
  if (!hasParameters(own.rule)) return []
  const around = all.filter(({ rule }) => !hasParameters(rule) && (rule.bits & own.rule.bits & CHECKED) !== 0 && isWithin(rule, own.rule))
  return around.map((other) => ['parameters-bypassed', `its parameters are free under ${JSON.stringify(other.rule.path)}, by ${at(other, own)}`])
}
