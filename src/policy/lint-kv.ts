// The trap of KV version 2: its secrets lie at `secret/data/app`, so a rule on `secret/app` grants and denies nothing.
import { BIT } from './capability.ts'
import type { Found } from './lint.ts'
import type { Rule } from './policy.ts'

/** What the paths of such a mount begin with. */
export const KV2_PARTS = ['config', 'data', 'delete', 'destroy', 'detailed-metadata', 'metadata', 'subkeys', 'undelete']

/** A mount of KV version 2, and how that is known. */
export interface Kv2Mount {
  /** With a slash at its end. */
  readonly path: string
  /** The server says so, or a rule that speaks of its data; in words. */
  readonly known: string
}

/** What the path of a rule speaks of where it names the data of a mount: `secret/` for `secret/data/app`; undefined for others. */
export function mountInRule({ path }: Rule): string | undefined {
  const segments = path.split('/')
  const at = segments.findIndex((segment) => segment === 'data' || segment === 'metadata')
  if (at < 1 || OTHERS.has(segments[0] as string) || segments.slice(0, at).some((segment) => /[*+{]/.test(segment))) return undefined
  return `${segments.slice(0, at).join('/')}/`
}

/** Where `data` is something else. */
const OTHERS: ReadonlySet<string> = new Set(['sys', 'auth', 'identity', 'cubbyhole'])

export function lintKv({ path, bits }: Rule, mounts: readonly Kv2Mount[]): Found[] {
  const mount = mounts.find((one) => path.startsWith(one.path))
  if (!mount) return []
  const rest = path.slice(mount.path.length)
  const [part = ''] = rest.split('/', 1)
  if (!isPart(part, rest)) return [['kv2-path', missed(mount, rest, bits)]]
  if (part !== 'data' || !(bits & (BIT.list | BIT.scan))) return []
  return [['kv2-list', `nobody lists ${JSON.stringify(`${mount.path}data/`)}: names are listed at ${JSON.stringify(`${mount.path}metadata/`)}`]]
}

/** `secret/*` and `secret/da*` have a part too; `secret/*` that goes on is a segment that is a star. */
function isPart(part: string, rest: string): boolean {
  if (part === '+') return true
  return part === rest && part.endsWith('*') ? KV2_PARTS.some((one) => one.startsWith(part.slice(0, -1))) : KV2_PARTS.includes(part)
}

function missed({ path, known }: Kv2Mount, rest: string, bits: number): string {
  const verb = bits & BIT.deny ? 'denies' : 'grants'
  const meant = (part: string) => JSON.stringify(`${path}${part}/${rest}`)
  const lists = bits & (BIT.list | BIT.scan) && rest !== '' ? `, and ${meant('metadata')} to list` : ''
  return `${verb} nothing: ${JSON.stringify(path)} is KV version 2, ${known}; a rule on its secrets says ${meant(rest === '' ? 'metadata' : 'data')}${lists}`
}
