// What every part of an import has at hand: both servers, and the rule that a dry run only asks.
import type { JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import type { Report } from './report.ts'

export interface Importing {
  readonly source: Client
  readonly target: Client
  readonly report: Report
  readonly dryRun: boolean
}

/** Writes to the target, unless it is a dry run. */
export async function put({ target, dryRun }: Importing, path: string, data: JsonObject): Promise<void> {
  if (!dryRun) await target.write(path, data)
}

/** The names at a path, folders with their slash; none where there is nothing. */
export async function names(client: Client, path: string): Promise<string[]> {
  const keys = (await client.list(path))?.data?.['keys']
  return Array.isArray(keys) ? keys.filter((key): key is string => typeof key === 'string') : []
}

/** What can be read at a path; nothing where it is not there. */
export async function dataAt(client: Client, path: string): Promise<JsonObject | undefined> {
  return (await client.read(path))?.data ?? undefined
}

/** The parts of an object that have these names, where they say anything. */
export function picked(from: JsonObject, fields: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(from).filter(([name, value]) => fields.includes(name) && !isBlank(value)))
}

export function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === 0 || value === false) return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

/** Runs steps a few at a time, in no particular order. */
export async function each<T>(all: readonly T[], run: (one: T) => Promise<void>, atOnce = 8): Promise<void> {
  const left = [...all]
  const lane = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await run(one)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, lane))
}
