// A request's headers: each that matters at most once, and no shape that two readers could take for different messages.
import { ceilSeconds } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { parsePath } from '../base/path.ts'
import type { EdgeLimits } from './limits.ts'

/** Headers that may come once, and where `readHead` keeps them. */
const SINGLE = new Map(
  [
    'host',
    ':authority',
    'content-type',
    'content-length',
    'content-encoding',
    'transfer-encoding',
    'expect',
    'x-vault-token',
    'authorization',
    'x-vault-namespace',
    'x-vault-wrap-ttl',
    'x-vault-wrap-format',
  ].map((name, index) => [name, index] as const),
)

/** A name or address with an optional port (RFC 3986 §3.2), without user. */
const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,=%-]+)(?::\d{1,5})?$/

export interface Head {
  readonly contentType: string | undefined
  /** Bytes that the client says will follow; undefined where it doesn't say. */
  readonly declared: number | undefined
  /** The client waits for a word before it sends the body. */
  readonly waits: boolean
  readonly token: string | undefined
  /** Canonical, without slashes around it; '' is the root. */
  readonly namespace: string
  /** As it was sent, for the answer. */
  readonly namespaceSent: string | undefined
  readonly wrapTtl: number | undefined
}

/** Reads Node's flat list of names and values. `version` is as on the request line; `2` came over HTTP/2. Throws a Fault. */
export function readHead(version: '1.0' | '1.1' | '2', raw: readonly string[], limits: EdgeLimits): Head {
  if (raw.length > 2 * limits.headers) throw new Fault('headers-too-large', `more than ${limits.headers} headers`)
  const [host, authority, contentType, length, encoding, transfer, expect, vaultToken, authorization, namespace, wrapTtl, wrapFormat] = pick(raw)
  checkHost(version, host, authority)
  checkBody(version, length, transfer, encoding)
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') throw new Fault('invalid', 'unknown expectation')
  return {
    contentType,
    declared: length === undefined ? undefined : Number(length),
    waits: expect !== undefined && version !== '1.0',
    token: readToken(vaultToken, authorization, limits),
    namespace: namespace === undefined ? '' : readNamespace(namespace),
    namespaceSent: namespace === '' ? undefined : namespace,
    wrapTtl: wrapTtl === undefined || wrapTtl === '' ? undefined : readWrapTtl(wrapTtl, wrapFormat),
  }
}

function pick(raw: readonly string[]): (string | undefined)[] {
  const found = new Array<string | undefined>(SINGLE.size).fill(undefined)
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase()
    const index = SINGLE.get(name)
    if (index === undefined) continue
    if (found[index] !== undefined) throw new Fault('invalid', `header ${name} was sent twice`)
    found[index] = raw[i + 1]
  }
  return found
}

function checkHost(version: string, host: string | undefined, authority: string | undefined): void {
  const named = authority ?? host
  if (named === undefined) {
    if (version === '1.0') return
    throw new Fault('invalid', 'missing Host header')
  }
  if (host !== undefined && host !== named) throw new Fault('invalid', 'Host header differs from :authority')
  if (!AUTHORITY.test(named)) throw new Fault('invalid', 'malformed Host header')
}

function checkBody(version: string, length: string | undefined, transfer: string | undefined, encoding: string | undefined): void {
  if (transfer !== undefined && (version !== '1.1' || length !== undefined || transfer.toLowerCase() !== 'chunked')) {
    throw new Fault('invalid', 'unsupported Transfer-Encoding')
  }
  if (length !== undefined && !/^\d{1,15}$/.test(length)) throw new Fault('invalid', 'malformed Content-Length')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') throw new Fault('media-type', 'unsupported Content-Encoding')
}

/** `X-Vault-Token` wins; of `Authorization` only the exact prefix `Bearer ` is a token, other schemes are for modules. */
function readToken(vaultToken: string | undefined, authorization: string | undefined, limits: EdgeLimits): string | undefined {
  const token = vaultToken || (authorization?.startsWith('Bearer ') ? authorization.slice(7).trim() : '')
  if (token.length > limits.tokenBytes) throw new Fault('headers-too-large', `token is longer than ${limits.tokenBytes} bytes`)
  return token === '' ? undefined : token
}

function readNamespace(raw: string): string {
  if (/[^\x21-\x7e]/.test(raw)) throw new Fault('invalid', 'malformed X-Vault-Namespace header')
  const path = raw.replace(/^\/|\/$/g, '')
  return path === 'root' ? '' : parsePath(path)
}

function readWrapTtl(raw: string, format: string | undefined): number | undefined {
  const seconds = parseWrapTtl(raw)
  if (seconds > 0 && format === 'jwt') throw new Fault('invalid', 'X-Vault-Wrap-Format "jwt" is not supported')
  return seconds === 0 ? undefined : seconds
}

/** What was meant to be wrapped is never answered bare, so a part of a second is one. */
function parseWrapTtl(raw: string): number {
  try {
    const seconds = ceilSeconds(raw)
    if (seconds < 0) throw new Fault('invalid', 'requested wrap ttl cannot be negative')
    return seconds
  } catch (error) {
    throw error instanceof Fault ? new Fault('invalid', `error parsing X-Vault-Wrap-TTL header: ${error.message}`) : error
  }
}
