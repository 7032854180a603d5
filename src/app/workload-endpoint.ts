// Where a SPIFFE Workload Endpoint is, as its clients are told (SPIFFE_Workload_Endpoint.md §4).
import { isIP } from 'node:net'
import { parseEndpoint } from '../cli/endpoint.ts'
import { Failure } from '../cli/failure.ts'

export interface WorkloadEndpoint {
  /** For a gRPC client. */
  readonly target: string
  /** Of the socket; undefined where it is a port. */
  readonly path: string | undefined
}

/** `unix:///path` or `tcp://address:port`, or the path of a socket alone. Throws a Failure for anything else. */
export function workloadEndpoint(text: string): WorkloadEndpoint {
  const found = text.startsWith('/') ? { path: text } : parseEndpoint('workload', text)
  if ('path' in found) return { target: `unix:${found.path}`, path: found.path }
  const version = isIP(found.host)
  if (version === 0) throw new Failure(1, `the workload endpoint "${text}" has a name where an IP address is needed`)
  return { target: version === 6 ? `[${found.host}]:${found.port}` : `${found.host}:${found.port}`, path: undefined }
}
