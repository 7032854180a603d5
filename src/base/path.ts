// The one canonical form of a request path, which router, policy, audit and storage all take.
import { Fault } from './fault.ts'

declare const canonical: unique symbol

/**
 * A path relative to `/v1/`: decoded once, NFC, no leading slash, no empty, `.` or `..` segment, printable.
 * It may end in one slash (a folder, as LIST takes it).
 */
export type CanonPath = string & { readonly [canonical]: true }

const PLAIN = /^[A-Za-z0-9_~!$&'()*+,;=:@|-][A-Za-z0-9._~!$&'()*+,;=:@|-]*(?:\/[A-Za-z0-9_~!$&'()*+,;=:@|-][A-Za-z0-9._~!$&'()*+,;=:@|-]*)*\/?$/
/** Go's `unicode.IsPrint`, by which Vault tells: no control or format character, no space but the ordinary one, nothing unassigned. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u
const MAX_LENGTH = 1024

/** Parses what follows `/v1/` in a request target, still percent-encoded. Throws `invalid` for whatever has no single meaning. */
export function parseTarget(raw: string): CanonPath {
  if (PLAIN.test(raw) && raw.length <= MAX_LENGTH) return raw as CanonPath
  if (/%2f|%5c/i.test(raw)) throw new Fault('invalid', 'path must not contain encoded slashes')
  if (/[^\x21-\x7e]/.test(raw)) throw new Fault('invalid', 'path must be percent-encoded')
  return parsePath(raw.includes('%') ? decode(raw) : raw)
}

/** Checks a path that arrived decoded: from a form, a configuration or a namespace header. */
export function parsePath(path: string): CanonPath {
  if (Buffer.byteLength(path) > MAX_LENGTH) throw new Fault('invalid', `path is longer than ${MAX_LENGTH} bytes`)
  if (UNPRINTABLE.test(path)) throw new Fault('invalid', 'path contains unprintable characters')
  if (path.normalize('NFC') !== path) throw new Fault('invalid', 'path is not in Unicode normalization form C')
  const segments = (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw new Fault('invalid', 'path cannot contain "." or ".." segments')
    if (segment === '' && path !== '') throw new Fault('invalid', 'path cannot contain empty segments')
  }
  if (path.includes('\\')) throw new Fault('invalid', 'path cannot contain a backslash')
  return path as CanonPath
}

function decode(raw: string): string {
  try {
    return decodeURIComponent(raw)
  } catch {
    throw new Fault('invalid', 'path is not valid percent-encoded UTF-8')
  }
}

/** The folder form that LIST and SCAN take: exactly one slash at the end (none for the root). */
export function asFolder(path: CanonPath): CanonPath {
  return (path === '' || path.endsWith('/') ? path : `${path}/`) as CanonPath
}

/** The path without the slash of a folder. */
export function asRecord(path: CanonPath): CanonPath {
  return (path.endsWith('/') ? path.slice(0, -1) : path) as CanonPath
}
