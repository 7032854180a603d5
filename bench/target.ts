// Where a server under test is, whom to be there, and the bytes of a request to it.
import { readFileSync } from 'node:fs'

export interface Target {
  readonly name: string
  readonly url: URL
  readonly token: string
  /** The server's (parent) process, when it runs on this machine. */
  readonly pid?: number
  readonly insecureTls: boolean
}

/** One request as a scenario words it; without `token` it is sent without any. */
export interface Ask {
  readonly method: string
  readonly path: string
  readonly body?: unknown
  readonly token?: string
  /** Header of response wrapping. */
  readonly wrapTtl?: string
}

/** Reads `name=http://127.0.0.1:8200,token=…,pid=123`; throws a plain Error that says what is wrong. */
export function parseTarget(text: string, insecureTls: boolean): Target {
  const [where = '', ...facts] = text.split(',')
  const [, name, address] = /^([^=]+)=(https?:\/\/.+)$/.exec(where) ?? []
  if (name === undefined || address === undefined) throw new Error(`"${where}" is not name=http://host:port`)
  const known = new Map(facts.map((fact) => split(fact)))
  for (const fact of known.keys()) if (fact !== 'token' && fact !== 'pid') throw new Error(`"${fact}" is neither token nor pid`)
  const pid = known.get('pid')
  if (pid !== undefined && !/^\d+$/.test(pid)) throw new Error(`pid "${pid}" is not a number`)
  const token = parseToken(known.get('token') ?? '')
  return { name, url: new URL(address), token, insecureTls, ...(pid === undefined ? {} : { pid: Number(pid) }) }
}

/** A token as given, or `@file` to keep it out of the list of processes. */
export function parseToken(text: string): string {
  return text.startsWith('@') ? readFileSync(text.slice(1), 'utf8').trim() : text
}

export function toBytes(target: Target, ask: Ask): Buffer {
  const body = ask.body === undefined ? '' : JSON.stringify(ask.body)
  const lines = [`${ask.method} ${ask.path} HTTP/1.1`, `Host: ${target.url.host}`, 'X-Vault-Request: true']
  if (ask.token !== undefined) lines.push(`X-Vault-Token: ${ask.token}`)
  if (ask.wrapTtl !== undefined) lines.push(`X-Vault-Wrap-TTL: ${ask.wrapTtl}`)
  if (body !== '') lines.push('Content-Type: application/json', `Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

/** `name=value` */
export function split(fact: string): [string, string] {
  const at = fact.indexOf('=')
  return at < 0 ? [fact, ''] : [fact.slice(0, at), fact.slice(at + 1)]
}
