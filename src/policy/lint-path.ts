// What can be wrong with the path of a rule by itself: wildcards where they mean themselves, prefixes that no request has, templates that never resolve.
import type { Found } from './lint.ts'
import { BIT } from './capability.ts'
import type { Rule } from './policy.ts'

export function lintPath({ path, bits, templated }: Rule): Found[] {
  return [...prefixes(path), ...stars(path), ...pluses(path), ...everything(path, bits), ...(templated ? directives(path) : [])]
}

function prefixes(path: string): Found[] {
  if (path === '') return [['empty-path', 'matches no request']]
  if (path.startsWith('v1/')) return [['version-prefix', 'no request has this path: paths in rules begin after "/v1/"']]
  return path.includes('//') ? [['empty-segment', 'no request has a path with "//"']] : []
}

function stars(path: string): Found[] {
  const inner = path.endsWith('*') ? path.slice(0, -1) : path
  if (!inner.includes('*')) return []
  return [['star-inside', '"*" means anything at the end of a path only; elsewhere it is a star. "+" stands for one segment']]
}

function pluses(path: string): Found[] {
  const odd = path.split('/').filter((segment) => segment.includes('+') && segment !== '+')
  if (odd.length === 0) return []
  return [['plus-inside', `"+" stands for a whole segment only; in ${odd.map((segment) => JSON.stringify(segment)).join(', ')} it is a plus`]]
}

function everything(path: string, bits: number): Found[] {
  if ((path !== '*' && path !== '+/*') || bits === 0 || bits & BIT.deny) return []
  return [['everything', `is for every path${bits & BIT.sudo ? ', and with sudo: nearly root' : ', those of the server itself too'}`]]
}

const DIRECTIVES: readonly RegExp[] = [
  /^identity\.entity\.(?:id|name|metadata\..+)$/,
  /^identity\.entity\.aliases\.[^.]+\.(?:id|name|metadata\..+|custom_metadata\..+)$/,
  /^spiffe\.(?:trust_domain|path\.(?:0|[1-9]\d?))$/,
  /^identity\.groups\.(?:ids|names)\.[^.]+\.(?:id|name|metadata\..+)$/,
]

function directives(path: string): Found[] {
  const all = Array.from(path.matchAll(/\{\{(.*?)\}\}/g), ([, inner]) => (inner as string).trim())
  const unknown = all.filter((directive) => !DIRECTIVES.some((known) => known.test(directive)))
  return unknown.map((directive) => ['unknown-template', `never matches: ${JSON.stringify(directive)} has no value for anybody`])
}
