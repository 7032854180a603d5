// Everything that is stored, looked through for half states: what every room knows of its own, and what lies between them.
import { checkAppRole } from '../auth/approle/check.ts'
import type { Checked } from '../cli/ports.ts'
import { checkKv } from '../engines/kv/check.ts'
import { checkLeases } from '../lease/check.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { dataPrefix } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import { allMounts, checkTenancy, namespaceIds } from '../tenancy/check.ts'
import { checkTokens, holdsToken } from '../token/check.ts'
import { CLUSTER, TOKEN_HASH_KEY } from './layout.ts'

/** `inside` is the whole store behind the barrier, and must not change meanwhile. */
export function fsck(inside: Store): Checked {
  let records = 0
  try {
    for (const _ of inside.range({ prefix: 'data/' })) records++
    for (const _ of inside.range({ prefix: 'ns/' })) records++
    return { records, findings: [...all(inside)] }
  } catch (error) {
    if (error instanceof BrokenRecord) return { records, findings: [error.message] }
    throw error
  }
}

function* all(inside: Store): Generator<string> {
  const namespaces = namespaceIds(inside)
  for (const key of [CLUSTER, TOKEN_HASH_KEY]) if (!inside.get(key)) yield `${key} is missing`
  yield* checkTenancy(inside)
  yield* checkTokens(inside, namespaces)
  yield* checkLeases(inside, namespaces)
  for (const { class: of, type, namespace, path, slice } of allMounts(inside)) {
    const own = view(inside, dataPrefix(slice))
    const check = CHECKS[`${of}/${type}`]
    if (check) for (const finding of check(own, inside)) yield `${namespace}${path}: ${finding}`
  }
}

/** By class and type of a mount; `whole` is for what leads out of it. */
const CHECKS: Readonly<Record<string, (own: Store, whole: Store) => Iterable<string>>> = {
  'secret/kv': checkKv,
  'secret/cubbyhole': checkCubbyholes,
  'auth/approle': checkAppRole,
}

/** What a cubbyhole holds goes with its token. */
function* checkCubbyholes(own: Store, whole: Store): Generator<string> {
  const seen = new Set<string>()
  for (const key of own.keys({ prefix: '' })) {
    const hash = key.split(/[/@]/, 1)[0] as string
    if (seen.has(hash)) continue
    seen.add(hash)
    if (!holdsToken(whole, hash)) yield `something is kept for the token ${hash}, which is gone`
  }
}
