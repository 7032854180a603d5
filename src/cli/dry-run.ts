// Shows a request in place of sending it: as a curl command, or as the policy that it needs.
import type { HttpRequest, SendRequest } from '../client/request.ts'
import type { Connection } from './connect.ts'
import { pathOf } from './hints.ts'

export interface Withholding {
  readonly request: SendRequest
  /** The first request that was made. */
  withheld(): HttpRequest | undefined
}

export function withhold(): Withholding {
  let first: HttpRequest | undefined
  return {
    async request(request) {
      first ??= request
      throw new Error('the request was not sent')
    },
    withheld: () => first,
  }
}

export function toCurl(request: HttpRequest, flags: Connection): string {
  const tls = { cacert: flags['ca-cert'], capath: flags['ca-path'], cert: flags['client-cert'], key: flags['client-key'] }
  const parts = [
    'curl',
    ...(flags['tls-skip-verify'] ? ['--insecure'] : []),
    ...(request.method === 'GET' ? [] : ['-X', request.method]),
    ...(request.socketPath === undefined ? [] : ['--unix-socket', quote(request.socketPath)]),
    ...Object.entries(tls).flatMap(([name, value]) => (value ? [`--${name}`, quote(value)] : [])),
    ...Object.entries(request.headers).flatMap(([name, value]) => [value].flat().flatMap((one) => ['-H', header(name, one)])),
    ...(request.body ? ['-d', quote(Buffer.from(request.body).toString())] : []),
    ...(request.upload ? ['--data-binary', '@-'] : []),
    quote(request.url),
  ]
  return parts.join(' ')
}

// The token itself would end up in the shell's history.
function header(name: string, value: string): string {
  return name === 'X-Vault-Token' ? `"${name}: $(signet print token)"` : quote(`${name}: ${value}`)
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`
}

const CAPABILITIES: Readonly<Record<string, readonly string[]>> = {
  GET: ['read'],
  PUT: ['create', 'update'],
  POST: ['create', 'update'],
  PATCH: ['patch'],
  DELETE: ['delete'],
  LIST: ['list'],
  SCAN: ['scan'],
}

/** Paths that need `sudo` beside their capability (Vault API, "Policies", root-protected endpoints). */
const SUDO =
  /^(auth\/token\/(accessors\/?|create-orphan|revoke-orphan)|sys\/(audit|raw|rotate|seal|step-down|leases\/(revoke-prefix|revoke-force))(\/.*)?)$/

export function toPolicy(request: HttpRequest): string {
  const path = pathOf(request.url)
  const listing = /[?&](list|scan)=true/.exec(request.url)?.[1]
  const needed = CAPABILITIES[listing?.toUpperCase() ?? request.method] ?? []
  const all = [...needed, ...(SUDO.test(path) ? ['sudo'] : [])]
  return `path ${JSON.stringify(path)} {\n  capabilities = [${all.map((one) => JSON.stringify(one)).join(', ')}]\n}`
}
