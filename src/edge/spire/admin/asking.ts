// What the administrative services share: asking under spiffe/admin, page by page, one item of a batch after another.
import { isObject, type JsonObject } from '../../../base/json.ts'
import { GrpcError, STATUS } from '../../../wire/grpc.ts'
import type { Ask } from '../ask.ts'

/** Asks for one caller. An answer that something is not there says so in the words of `missing`. */
export type AdminAsk = (verb: Parameters<Ask>[1], path: string, input?: JsonObject, missing?: string) => Promise<JsonObject>

export function adminAsk(ask: Ask, peer: string): AdminAsk {
  return async (verb, path, input = {}, missing = 'not found') => {
    try {
      return await ask(peer, verb, `admin/${path}`, input)
    } catch (error) {
      if (error instanceof GrpcError && error.code === STATUS.notFound) throw new GrpcError(STATUS.notFound, missing)
      throw error
    }
  }
}

const PAGE = 1_000

/** A page of a list with what it says of each, and where the next begins; all of it where no size is asked for. */
export async function listed(
  ask: AdminAsk,
  path: string,
  filter: JsonObject,
  { pageSize = 0, pageToken = '' }: { readonly pageSize?: number; readonly pageToken?: string },
): Promise<{ found: JsonObject[]; nextPageToken: string }> {
  if (pageSize < 0) throw new GrpcError(STATUS.invalid, 'page size cannot be negative')
  const limit = pageSize > 0 ? Math.min(pageSize, PAGE) : PAGE
  const found: JsonObject[] = []
  for (let after = pageToken; ; ) {
    const { keys, key_info: info } = await ask('list', path, { ...filter, after, limit })
    const names = Array.isArray(keys) ? keys.map(String) : []
    found.push(...names.map((name) => (isObject(info) ? info[name] : undefined)).filter(isObject))
    const last = names.length === limit ? (names.at(-1) ?? '') : ''
    if (pageSize > 0 || last === '') return { found, nextPageToken: last }
    after = last
  }
}

export const OK = { code: 0, message: 'OK' }

interface Outcome {
  readonly status: { readonly code: number; readonly message: string }
}

/** One result each, in order; what is refused has a status and stops nothing. */
export async function each<T, R>(items: readonly T[], run: (item: T) => Promise<R & Outcome>): Promise<(Outcome & Partial<R>)[]> {
  const results: (Outcome & Partial<R>)[] = []
  for (const item of items) results.push(await run(item).catch(outcomeOf))
  return results
}

function outcomeOf(error: unknown): Outcome & Record<never, never> {
  if (error instanceof GrpcError && error.code !== STATUS.unavailable && error.code !== STATUS.denied) {
    return { status: { code: error.code, message: error.message } }
  }
  throw error // nothing of the batch can be done
}

/** Says with what code and words a refusal of this kind is told instead. */
export async function told<T>(answer: Promise<T>, from: number, code: number, words = ''): Promise<T> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof GrpcError) || error.code !== from) throw error
    throw new GrpcError(code, words === '' ? error.message : `${words}: ${error.message}`)
  }
}
