// Looks for half states in a KV mount: a secret without a version that it tells of, a version without its secret.
import { decode } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { type Secret, SECRETS, versionId } from './secret.ts'

/** What is wrong, one line each. `store` is the mount's own, of either version, and must not change meanwhile. */
export function* checkKv(store: Store): Generator<string> {
  let at: { readonly path: string; readonly expected: Set<string> } | undefined
  for (const { key, value } of store.range({ prefix: SECRETS })) {
    const id = key.slice(SECRETS.length)
    if (!id.includes('\0')) {
      yield* unfound(at)
      const secret = decode<Secret>(value)
      at = { path: id, expected: new Set(versionsOf(id, secret)) }
      if (secret.oldest > secret.current) yield `secret ${id} has its oldest version after its newest`
    } else if (!at?.expected.delete(id)) yield `${JSON.stringify(key)} is a version that no secret has`
  }
  yield* unfound(at)
}

function versionsOf(path: string, { current, oldest, data }: Secret): string[] {
  if (data || current === 0) return []
  const first = Math.max(oldest, 1)
  return Array.from({ length: current - first + 1 }, (_, at) => versionId(path, first + at))
}

function* unfound(at: { readonly path: string; readonly expected: Set<string> } | undefined): Generator<string> {
  if (at && at.expected.size > 0) yield `secret ${at.path} lacks ${at.expected.size} of its versions`
}
