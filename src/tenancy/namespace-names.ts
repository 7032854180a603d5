// What a namespace may be called, and how paths of namespaces are written.
import { Fault } from '../base/fault.ts'
import { parsePath } from '../base/path.ts'

/** Names that lead to something of every namespace's own. */
const RESERVED: ReadonlySet<string> = new Set(['', '.', '..', 'root', 'sys', 'audit', 'auth', 'cubbyhole', 'identity'])

/**
 * One name, with or without slashes around it, as a folder: `team/`. Throws `invalid` for what no namespace can be called.
 * @example namespaceName('/team') // 'team/'
 */
export function namespaceName(raw: string): string {
  const name = raw.replace(/^\/|\/$/g, '')
  if (name === '') throw new Fault('invalid', 'namespace name cannot be empty')
  if (name.includes('/')) throw new Fault('invalid', 'namespace name cannot contain /')
  if (RESERVED.has(name)) throw new Fault('invalid', `"${name}/" is a reserved path and cannot be used as a namespace name`)
  if (/\s/u.test(name)) throw new Fault('invalid', `"${name}" contains space characters that cannot be used in a namespace name`)
  const wild = /[+*]/.exec(name)
  if (wild) throw new Fault('invalid', `"${name}" contains wildcard characters that cannot be used in a namespace name: '${wild[0]}'`)
  return `${parsePath(name)}/`
}

/** Whether a first segment can't be a namespace, so that nothing needs to be looked up. */
export function isReserved(segment: string): boolean {
  return RESERVED.has(segment)
}

/** The folder of what a header says, without the name `root`, which stands for the root. */
export function namespaceFolder(header: string): string {
  return header === '' || header === 'root' ? '' : `${header}/`
}

/** The path of the namespace above; undefined for the root. */
export function parentPath(path: string): string | undefined {
  return path === '' ? undefined : path.slice(0, path.lastIndexOf('/', path.length - 2) + 1)
}

/** The last name of a path, with its slash. */
export function lastName(path: string): string {
  return path.slice((parentPath(path) ?? '').length)
}

/** The path and all above it but the root, from the top: `a/b/` gives `a/` and `a/b/`. */
export function* lineage(path: string): Generator<string> {
  for (let slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) yield path.slice(0, slash + 1)
}
