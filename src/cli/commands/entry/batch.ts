// Many entries sent to the server, in requests that it takes, with what became of each.
import { isObject, type JsonObject } from '../../../base/json.ts'
import type { Client } from '../../../client/client.ts'
import { attempt } from '../../failure.ts'
import type { Terminal } from '../../terminal.ts'
import { ENTRIES } from './describe.ts'
import { entryText } from './print.ts'

export type Verb = 'create' | 'update' | 'delete'

/** What the server answers for one entry. */
export interface Result {
  readonly ok: boolean
  readonly error?: string
  readonly existed?: boolean
  readonly entry?: JsonObject
}

const AT_ONCE = 500
export const SIMILAR = 'similar entry already exists'

export async function sendAll(client: Client, verb: Verb, items: readonly (JsonObject | string)[], more: JsonObject = {}): Promise<Result[]> {
  const results: Result[] = []
  for (let done = 0; done < items.length; done += AT_ONCE) {
    const part = items.slice(done, done + AT_ONCE)
    const answer = await attempt('Error changing entries', () => client.post(`${ENTRIES}/batch`, { [verb]: [...part], ...more }))
    const found = answer?.data?.[verb]
    results.push(...(Array.isArray(found) ? found.filter(isObject) : []).map((one) => one as unknown as Result))
  }
  return results
}

/** An entry that is there already is not made: scripts have to hear of it. */
export const refusedWhy = ({ ok, error, existed }: Result): string | undefined => (ok ? (existed ? SIMILAR : undefined) : (error ?? 'refused'))

/** Prints what was done, and then, on standard error, what was not; true where all was done. */
export function report(terminal: Terminal, verb: Verb, items: readonly (JsonObject | string)[], results: readonly Result[]): boolean {
  const failed: string[] = []
  for (const [index, result] of results.entries()) {
    const item = items[index] as JsonObject | string
    const why = refusedWhy(result)
    if (why !== undefined) failed.push(failureText(verb, item, why))
    else if (terminal.format === 'table') terminal.print(typeof item === 'string' ? `Deleted entry with ID: ${item}` : entryText(result.entry ?? {}))
  }
  for (const one of failed) terminal.warn(one)
  return failed.length === 0
}

function failureText(verb: Verb, item: JsonObject | string, why: string): string {
  if (typeof item === 'string') return `Failed to delete entry with ID ${item} (msg: ${JSON.stringify(why)})`
  return `Failed to ${verb} the following entry (msg: ${JSON.stringify(why)}):\n${entryText(item)}`
}
