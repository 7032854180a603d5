// Where an agent has an API (SPIFFE_Workload_Endpoint.md §4, SPIFFE_Broker_Endpoint.md §4): a local socket, or a host and a port.
import { Failure } from './failure.ts'

export type Endpoint = { readonly path: string } | { readonly host: string; readonly port: number }

const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)):(\d{1,5})$/

/** From `unix:///path` or `tcp://host:port`; `kind` is whose it is. Throws a Failure for anything else. */
export function parseEndpoint(kind: 'broker' | 'workload', text: string): Endpoint {
  const refuse = (why: string) =>
    new Failure(1, `the ${kind} endpoint "${text}" ${why}`, { hints: ['write unix:///path/to/the/socket or tcp://host:port'] })
  const [, scheme, rest = ''] = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text) ?? []
  if (scheme !== 'unix' && scheme !== 'tcp') throw refuse('has no scheme of unix or tcp')
  if (/[?#]/.test(rest)) throw refuse('may have no query and no fragment')
  return scheme === 'unix' ? { path: pathIn(rest, refuse) } : addressIn(rest, refuse)
}

function pathIn(rest: string, refuse: (why: string) => Failure): string {
  const path = rest.startsWith('//') ? rest.slice(2) : rest
  if (!path.startsWith('/')) throw refuse(rest.startsWith('//') ? 'may have no authority before its path' : 'has no absolute path')
  if (path.startsWith('//') || path === '/') throw refuse('has no absolute path')
  try {
    return decodeURIComponent(path)
  } catch {
    throw refuse('has a path that cannot be read')
  }
}

function addressIn(rest: string, refuse: (why: string) => Failure): { readonly host: string; readonly port: number } {
  const [, ipv6, name, port] = HOST.exec(rest.startsWith('//') ? rest.slice(2) : '') ?? []
  const host = ipv6 ?? name
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535) throw refuse('is not a host and a port, and nothing else')
  return { host, port: Number(port) }
}

/** Whether only this machine can be behind it. */
export const isLocal = (endpoint: Endpoint): boolean => 'path' in endpoint || /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(endpoint.host)
