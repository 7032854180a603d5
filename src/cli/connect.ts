// Makes the client that the flags and the environment describe.
import { toMilliseconds, formatDuration } from '../base/duration.ts'
import { Fault } from '../base/fault.ts'
import { type Client, openClient } from '../client/client.ts'
import type { SendRequest, TlsOptions } from '../client/request.ts'
import type { connectionFlags } from './common-flags.ts'
import { lookup } from './environment.ts'
import { Failure, fileProblem } from './failure.ts'
import type { FlagValues } from './flag.ts'
import type { CliFiles, CliPorts } from './ports.ts'
import { readToken } from './token-file.ts'

export type Connection = FlagValues<typeof connectionFlags>

/** With the token of the environment, else of the token file. */
export async function connect(ports: CliPorts, flags: Connection, request: SendRequest): Promise<Client> {
  const token = tokenOfEnvironment(ports) || (await readToken(ports.files, ports.home))
  return (await connectAnonymously(ports, flags, request)).with({ token: printable(token) })
}

export async function connectAnonymously(ports: CliPorts, flags: Connection, request: SendRequest): Promise<Client> {
  const namespace = flags.ns ?? flags.namespace
  return openClient({
    address: addressOf(flags),
    request,
    listen: request === ports.request ? ports.listen : request, // what is only shown is not sent
    ...(namespace === undefined ? {} : { namespace }),
    ...(flags['wrap-ttl'] ? { wrapTtl: formatDuration(flags['wrap-ttl']) } : {}),
    mfa: flags.mfa,
    headers: ownHeaders(flags.header),
    tls: await tlsOptions(ports.files, flags),
    timeoutMs: setting(ports, 'CLIENT_TIMEOUT', toMilliseconds) ?? 60_000,
    retries: { max: setting(ports, 'MAX_RETRIES', Number) ?? 0, sleep: ports.sleep },
    followRedirect: !flags['disable-redirects'],
  })
}

export function addressOf(flags: Connection): string {
  return flags['agent-address'] || flags.address
}

export function tokenOfEnvironment(ports: CliPorts): string {
  return lookup(ports.env, 'TOKEN')?.value.trim() ?? ''
}

function printable(token: string): string {
  if (/[^\x21-\x7e]/.test(token)) throw new Failure(2, 'the configured token contains non-printable characters and cannot be used')
  return token
}

function ownHeaders(given: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const reserved = Object.keys(given).filter((name) => /^x-vault-/i.test(name))
  if (reserved.length > 0) throw new Failure(2, `headers that begin with X-Vault- are for internal use only: ${reserved.join(', ')}`)
  return given
}

function setting(ports: CliPorts, name: string, parse: (raw: string) => number): number | undefined {
  const found = lookup(ports.env, name)
  if (!found || found.value === '') return undefined
  try {
    const value = parse(found.value)
    if (value >= 0 && Number.isFinite(value)) return value
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
  throw new Failure(2, `invalid value ${JSON.stringify(found.value)} for ${found.name}`)
}

async function tlsOptions(files: CliFiles, flags: Connection): Promise<TlsOptions> {
  const { 'client-cert': cert, 'client-key': key, 'tls-server-name': serverName } = flags
  if (!cert !== !key) throw new Failure(2, 'both client cert and client key must be provided')
  const ca = await authorities(files, flags)
  return {
    ...(ca ? { ca } : {}),
    ...(cert && key ? { cert: await readPem(files, cert), key: await readPem(files, key) } : {}),
    ...(flags['tls-skip-verify'] ? { skipVerify: true } : {}),
    ...(serverName ? { serverName } : {}),
  }
}

async function authorities(files: CliFiles, flags: Connection): Promise<readonly string[] | undefined> {
  const { 'ca-cert': file, 'ca-path': folder } = flags
  if (file) return [await readPem(files, file)]
  if (!folder) return undefined
  const names = await files.list(folder).catch((error: unknown) => refuse(folder, error))
  return Promise.all(names.map((name) => readPem(files, `${folder}/${name}`)))
}

async function readPem(files: CliFiles, path: string): Promise<string> {
  return Buffer.from(await files.read(path).catch((error: unknown) => refuse(path, error))).toString()
}

function refuse(path: string, error: unknown): never {
  throw new Failure(2, `failed to setup TLS config: ${path}: ${fileProblem(error)}`)
}
