// What a device's options mean: Vault's names for them, and a clear refusal of those that aren't offered.
import { bool, choice, int, maybe, or, parseShape, seconds, type Shape, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { Address } from '../base/ports.ts'
import { type Filter, parseFilter } from './filter.ts'
import type { Showing } from './hasher.ts'

export type DeviceType = 'file' | 'socket' | 'syslog'
export type Options = Readonly<Record<string, string>>

export type Way =
  /** `mode` 0 leaves the file's as it is. */
  | { readonly kind: 'file'; readonly path: string; readonly mode: number; readonly synced: boolean }
  | { readonly kind: 'stdout' }
  | { readonly kind: 'discard' }
  | ({ readonly kind: 'socket' } & Remote)
  | ({ readonly kind: 'syslog'; readonly facility: number; readonly tag: string; readonly format: 'local' | 'rfc5424' } & Remote)

export interface Remote {
  readonly address: Address
  readonly timeoutMs: number
  /** Bytes that each process keeps, at most, of what the other side has not taken. */
  readonly spoolBytes: number
}

export interface Settings {
  readonly way: Way
  readonly showing: Showing
  /** Undefined where it takes every record. */
  readonly filter: Filter | undefined
  /** It takes what no filter took. */
  readonly fallback: boolean
  /** Enabled without being tried first. */
  readonly skipTest: boolean
}

const SHARED = {
  elide_list_responses: or(bool('Show how many names a list has instead of the names.'), false),
  fallback: or(bool('Take the records that no filter takes.'), false),
  filter: or(text('Which records to take.'), ''),
  format: or(text('Only "json".'), 'json'),
  hmac_accessor: or(bool('Show accessors as HMACs.'), true),
  log_raw: or(bool('Show everything in clear; only for devices of the configuration.'), false),
  prefix: or(text('Not supported.'), ''),
  skip_test: or(bool('Enable the device without trying it.'), false),
}

const FILE = {
  ...SHARED,
  file_path: or(text('An absolute path, "stdout" or "discard".'), ''),
  mode: or(text('Permissions of the file, in octal.'), '0600'),
  path: or(text('An older name of file_path.'), ''),
  sync: or(choice('When to write through to the disk: with every record, or once a second.', ['always', 'second']), 'second'),
}

const REMOTE = {
  ...SHARED,
  spool_max_bytes: or(int('How much each process keeps of what the other side has not taken.'), 128 << 20),
  write_timeout: or(seconds('How long the other side may take to answer.'), 2),
}

const SOCKET = {
  ...REMOTE,
  address: or(text('host:port, or the path of a Unix socket.'), ''),
  socket_type: or(choice('Kind of socket.', ['tcp', 'udp', 'unix']), 'tcp'),
}

const SYSLOG = {
  ...REMOTE,
  address: or(text('host:port, or the path of a Unix socket.'), '/dev/log'),
  facility: or(text('Facility of the messages.'), 'AUTH'),
  socket_type: or(choice('Kind of socket.', ['tcp', 'udp', 'unix']), 'unix'),
  syslog_format: maybe(choice('How messages begin; for Unix sockets as programs of the machine do it.', ['local', 'rfc5424'])),
  tag: or(text('Name of the program in the messages.'), 'vault'),
}

const PARSERS: Readonly<Record<DeviceType, (options: Options) => Settings>> = {
  file: (options) => settle(FILE, 'file', options, fileWay),
  socket: (options) => settle(SOCKET, 'socket', options, (values) => ({ kind: 'socket', ...remote(values) })),
  syslog: (options) => settle(SYSLOG, 'syslog', options, syslogWay),
}

export function isDeviceType(type: string): type is DeviceType {
  return Object.hasOwn(PARSERS, type)
}

/** Throws `invalid`, in Vault's words where it has any. */
export function parseOptions(type: DeviceType, options: Options): Settings {
  return PARSERS[type](options)
}

function settle<S extends Shape & typeof SHARED>(shape: S, type: DeviceType, options: Options, wayOf: (values: Values<S>) => Way): Settings {
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(shape, name))
  if (unknown !== undefined) throw new Fault('invalid', `audit option "${unknown}" is not supported by the ${type} device`)
  const values = parseShape(shape, options)
  const shared = values as Values<typeof SHARED>
  if (Object.hasOwn(options, 'prefix')) throw new Fault('invalid', 'audit log prefixing is not allowed')
  if (shared.format === 'jsonx') throw new Fault('invalid', 'the format "jsonx" is not supported; leave "format" out or set it to "json"')
  if (shared.format !== 'json') throw new Fault('invalid', `unknown format type ${JSON.stringify(shared.format)}`)
  if (shared.fallback && shared.filter !== '') throw new Fault('invalid', 'cannot configure a fallback device with a filter: invalid parameter')
  return {
    way: wayOf(values),
    showing: { raw: shared.log_raw, hmacAccessor: shared.hmac_accessor, elides: shared.elide_list_responses },
    filter: shared.filter === '' ? undefined : parseFilter(shared.filter),
    fallback: shared.fallback,
    skipTest: shared.skip_test,
  }
}

/** What people write for no file at all. */
const ELSEWHERE: ReadonlyMap<string, 'stdout' | 'discard'> = new Map([
  ['stdout', 'stdout'],
  ['/dev/stdout', 'stdout'],
  ['discard', 'discard'],
  ['/dev/null', 'discard'],
])

function fileWay({ file_path: given, path: older, mode, sync }: Values<typeof FILE>): Way {
  const path = given || older
  if (path === '') throw new Fault('invalid', 'file_path is required')
  const elsewhere = ELSEWHERE.get(path.toLowerCase())
  if (elsewhere) return { kind: elsewhere }
  if (!path.startsWith('/')) throw new Fault('invalid', 'file_path must be an absolute path, "stdout" or "discard"')
  if (path.includes('/.') || path.endsWith('/') || /[\0-\x1f\x7f]/.test(path)) {
    throw new Fault('invalid', 'file_path must name a file, without hidden folders, dot segments or control characters')
  }
  return { kind: 'file', path, mode: fileMode(mode), synced: sync === 'always' }
}

/** Bits beyond these make a file executable, or more than a file. */
const READ_WRITE = 0o666

function fileMode(text: string): number {
  const mode = /^[0-7]{1,6}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN
  if (Number.isNaN(mode)) throw new Fault('invalid', `the file mode ${JSON.stringify(text)} is not an octal number`)
  if ((mode & ~READ_WRITE) !== 0) throw new Fault('invalid', `the file mode ${JSON.stringify(text)} does more than let read and write`)
  return mode
}

function remote({ address, socket_type: transport, write_timeout: timeout, spool_max_bytes: spoolBytes }: Values<typeof SOCKET>): Remote {
  if (address === '') throw new Fault('invalid', 'address is required')
  if (timeout < 1) throw new Fault('invalid', 'write_timeout must be at least one second')
  if (spoolBytes < 1 << 16) throw new Fault('invalid', 'spool_max_bytes must be at least 65536')
  return { address: parseAddress(address, transport), timeoutMs: timeout * 1000, spoolBytes }
}

function parseAddress(address: string, transport: 'tcp' | 'udp' | 'unix'): Address {
  if (transport === 'unix') {
    if (!address.startsWith('/')) throw new Fault('invalid', 'the address of a unix socket must be an absolute path')
    return { transport, path: address }
  }
  const [, ipv6, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(address) ?? []
  const port = Number(digits)
  if (digits === undefined || port < 1 || port > 65_535) throw new Fault('invalid', `the address ${JSON.stringify(address)} is not host:port`)
  return { transport, host: ipv6 ?? (name as string), port }
}

/** Codes of RFC 5424 §6.2.1, by the names that syslog's header files have. */
const FACILITIES = `KERN USER MAIL DAEMON AUTH SYSLOG LPR NEWS UUCP CRON AUTHPRIV FTP - - - -
LOCAL0 LOCAL1 LOCAL2 LOCAL3 LOCAL4 LOCAL5 LOCAL6 LOCAL7`.split(/\s/)

function syslogWay(values: Values<typeof SYSLOG>): Way {
  const facility = values.facility === '-' ? -1 : FACILITIES.indexOf(values.facility.toUpperCase())
  if (facility < 0) throw new Fault('invalid', `invalid syslog facility: ${values.facility}`)
  if (!/^[\x21-\x7e]{1,48}$/.test(values.tag)) throw new Fault('invalid', 'the tag must be 1 to 48 visible ASCII characters')
  const format = values.syslog_format ?? (values.socket_type === 'unix' ? 'local' : 'rfc5424')
  return { kind: 'syslog', facility, tag: values.tag, format, ...remote(values) }
}
