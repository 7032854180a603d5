// Where a server is, and the URL of one of its paths.
import { Fault } from '../base/fault.ts'

export interface Address {
  /** `https://host:port`, with the path under which `/v1/` lives. */
  readonly base: string
  readonly socketPath?: string
}

/** Parses `https://host:8200`, `http://host/prefix` or `unix:///run/signet.sock`. Throws `invalid`. */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix://')) return { base: 'http://localhost', socketPath: text.slice('unix://'.length) }
  if (!/^https?:\/\//i.test(text)) throw new Fault('invalid', `address ${JSON.stringify(text)} must begin with http://, https:// or unix://`)
  const url = URL.parse(text)
  if (!url) throw new Fault('invalid', `address ${JSON.stringify(text)} is not a URL`)
  return { base: url.origin + trimSlashes(url.pathname, 'end') }
}

/**
 * The path as the wire takes it: no empty segments, each segment percent-encoded. Throws `invalid` for `.` and `..`,
 * which a URL parser on the way would resolve to another path than the one that was asked for.
 */
export function encodePath(path: string): string {
  const segments = path.split('/').filter((segment) => segment !== '')
  for (const segment of segments) {
    if (segment === '.' || segment === '..') throw new Fault('invalid', 'path cannot contain "." or ".." segments')
  }
  return segments.map(encodeSegment).join('/')
}

// What a path may hold unescaped (RFC 3986 §3.3) as Go's clients send it, so that error texts show the same URL.
function encodeSegment(segment: string): string {
  const kept = encodeURIComponent(segment).replace(/%(24|26|2B|2C|3A|3B|3D|40)/g, (escape) => decodeURIComponent(escape))
  return kept.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

export type Query = Readonly<Record<string, string | readonly string[]>>

/** `?a=1&b=2` in the order of the keys, or '' where there is nothing. */
export function encodeQuery(query: Query): string {
  const pairs = Object.keys(query)
    .sort()
    .flatMap((key) => [query[key] ?? []].flat().map((value) => `${escape(key)}=${escape(value)}`))
  return pairs.length > 0 ? `?${pairs.join('&')}` : ''
}

function escape(text: string): string {
  return encodeURIComponent(text).replace(/%20/g, '+')
}

/** Without the slashes around it. */
export function trimSlashes(text: string, where: 'both' | 'end' = 'both'): string {
  const ended = text.replace(/\/+$/, '')
  return where === 'end' ? ended : ended.replace(/^\/+/, '')
}
