// Which request headers records show, and how: none unless named, and never a credential in clear.
import { Fault } from '../base/fault.ts'
import { records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact } from '../store/transact.ts'
import type { ShownHeader } from './record.ts'

export interface HeaderSetting {
  readonly hmac: boolean
}

export interface AuditedHeaders {
  /** By name in lower case, sorted. */
  list(): Readonly<Record<string, HeaderSetting>>
  set(name: string, setting: HeaderSetting): Promise<void>
  remove(name: string): Promise<void>
  /** Those of a request that are recorded. `raw` has names and values in turn. */
  pick(raw: readonly string[]): readonly ShownHeader[]
}

const stored = records<HeaderSetting>('audit-header/')

/** Whoever reads one of these in a record could act as its sender. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'x-vault-mfa', 'x-vault-token'])
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]{1,256}$/
const NONE: readonly ShownHeader[] = []

export function openAuditedHeaders(space: Space): AuditedHeaders {
  const { store } = space
  const settings = space.cache('audit-header/', () => load(space))
  return {
    list: () => Object.fromEntries(settings()),
    set(given, { hmac }) {
      const name = headerName(given)
      if (!hmac && CREDENTIALS.has(name)) throw new Fault('invalid', `the header ${name} carries credentials; it can only be audited with hmac=true`)
      return transact(store, (tx) => stored.put(tx, name, { hmac }))
    },
    remove: (given) => transact(store, (tx) => stored.delete(tx, headerName(given))),
    pick(raw) {
      const wanted = settings()
      return wanted.size === 0 ? NONE : pick(wanted, raw)
    },
  }
}

function load({ store }: Space): ReadonlyMap<string, HeaderSetting> {
  return new Map(stored.ids(store).map((name) => [name, stored.get(store, name) ?? { hmac: true }]))
}

function pick(wanted: ReadonlyMap<string, HeaderSetting>, raw: readonly string[]): ShownHeader[] {
  const found = new Map<string, string[]>()
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = (raw[at] as string).toLowerCase()
    if (wanted.has(name)) found.set(name, [...(found.get(name) ?? []), raw[at + 1] as string])
  }
  return [...found].map(([name, values]) => ({ name, values, hmac: wanted.get(name)?.hmac ?? true }))
}

function headerName(given: string): string {
  const name = given.toLowerCase()
  if (!NAME.test(name)) throw new Fault('invalid', 'malformed header name')
  return name
}
