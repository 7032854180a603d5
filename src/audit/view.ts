// What a namespace may see of the audit: its own records and those of namespaces within it, as a device writes them, page by page.
import { Fault } from '../base/fault.ts'
import { isObject, type Json, parseJson } from '../base/json.ts'
import type { Files, Random, ReadFile, Timers } from '../base/ports.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import { hmacSha256 } from '../crypto/hmac.ts'
import type { Devices } from './devices.ts'
import type { Live } from './live.ts'
import { firstSince, lineStart, linesFrom } from './view-lines.ts'

export interface ViewDeps {
  readonly files: Pick<Files, 'openRead'>
  readonly timers: Pick<Timers, 'turn'>
  readonly random: Random
  readonly devices: Pick<Devices, 'live'>
}

export interface ViewRequest {
  /** Who looks: pages of one namespace can't be turned by another. */
  readonly namespace: string
  /** Ids of the namespaces whose records are shown. */
  readonly ids: ReadonlySet<string>
  /** Where the page before ended; '' for the start. */
  readonly after: string
  /** Wall milliseconds; 0 for all there is. */
  readonly since: number
  readonly limit: number
}

export interface ViewPage {
  readonly records: readonly Json[]
  /** Where the next page begins. */
  readonly next: string
  /** Whether there was more to read. */
  readonly more: boolean
  /** The page before was of another file: what came last in that one was not seen. */
  readonly rotated: boolean
}

export type AuditView = (request: ViewRequest) => Promise<ViewPage>

/** What one page may cost: bytes read, and bytes of records shown. */
const SCAN_BYTES = 4 << 20
const SHOWN_BYTES = 1 << 20

/** Throws `invalid` where no device can be viewed, or where `after` is of no page of this namespace. */
export function openAuditView({ files, timers, random, devices }: ViewDeps): AuditView {
  return async (request) => {
    const { device, path } = viewable(devices)
    const key = Buffer.from(hmacSha256(Buffer.from(device.salt, 'hex'), 'places of the view'), 'hex')
    const bound = `audit-view/${request.namespace}`
    const place = request.after === '' ? undefined : openPlace(request.after, key, bound)
    const file = files.openRead(path)
    if (!file) return { records: [], next: request.after, more: false, rotated: false }
    try {
      const { id, size } = file.state()
      const same = place?.file === id && place.at <= size
      const from = same ? lineStart(file, place.at) : firstSince(file, size, request.since)
      const found = await scan(file, from, size, request, timers)
      const text = JSON.stringify({ file: id, at: found.at } satisfies Place)
      const next = sealRecord(key, 0, Buffer.from(text), bound, random).toString('base64url')
      return { records: found.records, next, more: found.at < found.end, rotated: place !== undefined && !same }
    } finally {
      file.close()
    }
  }
}

interface Place {
  readonly file: string
  readonly at: number
}

/** Sealed, so that nobody sees how much others do, or begins in the middle of a line. */
function openPlace(after: string, key: Buffer, bound: string): Place {
  try {
    return parseJson(openRecord(() => key, Buffer.from(after, 'base64url'), bound)) as Json as unknown as Place
  } catch (error) {
    if (error instanceof BrokenRecord || error instanceof Fault) throw new Fault('invalid', "'after' is not where a page of this namespace ended")
    throw error
  }
}

/** The first file with HMACs in place of texts, rather one that takes every record. */
function viewable({ live }: Pick<Devices, 'live'>): Live & { readonly path: string } {
  const found = live().flatMap((one) => {
    const { way, showing } = one.settings
    return way.kind === 'file' && !showing.raw && showing.hmacAccessor ? [{ ...one, path: way.path }] : []
  })
  const best = found.find(({ settings }) => !settings.filter && !settings.fallback) ?? found[0]
  if (!best) throw new Fault('invalid', 'there is nothing to view: no audit device of this server writes to a file with HMACs in place of texts')
  return best
}

interface Found {
  readonly records: Json[]
  /** After the last line that was looked at. */
  readonly at: number
  /** Where the last whole line ended. */
  readonly end: number
}

async function scan(file: ReadFile, from: number, size: number, request: ViewRequest, timers: Pick<Timers, 'turn'>): Promise<Found> {
  const { ids, limit, since } = request
  const records: Json[] = []
  const end = lineStart(file, size)
  let shown = 0
  let at = from
  for await (const { line, after } of linesFrom(file, from, end, timers)) {
    const record = line && recordOf(line, ids, since)
    if (record) records.push(record)
    if (record) shown += line.length
    at = after
    if (records.length >= limit || shown >= SHOWN_BYTES || at - from >= SCAN_BYTES) break
  }
  return { records, at, end }
}

const NAMESPACE = /"namespace":\{"id":"([0-9A-Za-z]+)"/

/** Without its place in the chain, which says how much others do. */
function recordOf(line: Buffer, ids: ReadonlySet<string>, since: number): Json | undefined {
  const [, likely = ''] = NAMESPACE.exec(line.toString()) ?? []
  if (!ids.has(likely)) return undefined
  const record = parsed(line)
  const request = record?.['request']
  const namespace = isObject(request) ? request['namespace'] : undefined
  const id = isObject(namespace) ? namespace['id'] : undefined
  if (!record || typeof id !== 'string' || !ids.has(id) || Date.parse(String(record['time'])) < since) return undefined
  const { chain: _, ...rest } = record
  return rest
}

function parsed(line: Buffer): { [name: string]: Json } | undefined {
  try {
    const record = parseJson(line)
    return isObject(record) ? record : undefined
  } catch (error) {
    if (error instanceof Fault) return undefined // half a line, which the next one mends
    throw error
  }
}
