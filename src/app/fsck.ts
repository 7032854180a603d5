// Everything that is stored, looked through for half states: what every room knows of its own, and what lies between them.
import { checkAudit } from '../audit/check.ts'
import { checkAppRole } from '../auth/approle/check.ts'
import { checkSpiffeAuth } from '../auth/spiffe/check.ts'
import type { Checked } from '../cli/ports.ts'
import { checkKv } from '../engines/kv/check.ts'
import { checkLeases } from '../lease/check.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { checkQuotas } from '../quota/check.ts'
import { checkSeal } from '../seal/check-seal.ts'
import { readSealConfig } from '../seal/key-records.ts'
import type { Keyring } from '../seal/keyring.ts'
import { checkSpiffe } from '../spiffe/check.ts'
import { dataPrefix, namespacePrefix, ROOT_ID, sealFolder } from '../store/layout.ts'
import type { Store } from '../store/store.ts'
import { view } from '../store/view.ts'
import { allMounts, allNamespaces, checkTenancy, namespaceIds } from '../tenancy/check.ts'
import { checkTokens, holdsToken } from '../token/check.ts'
import { CLUSTER, TOKEN_HASH_KEY } from './layout.ts'

export interface Opened {
  /** Below the barrier and behind it, whole. Neither may change meanwhile. */
  readonly store: Store
  readonly inside: Store
  /** Unsealed. */
  readonly keyring: Keyring
}

export function fsck({ store, inside, keyring }: Opened): Checked {
  let records = 0
  try {
    for (const _ of inside.range({ prefix: 'data/' })) records++
    for (const _ of inside.range({ prefix: 'ns/' })) records++
    return { records, findings: [...checkSeal(store, keyring), ...all(inside)] }
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
  const own = view(inside, namespacePrefix(ROOT_ID))
  yield* checkQuotas(own, allMounts(inside))
  yield* checkAudit(own)
  yield* checkSeals(inside)
  for (const { class: of, type, namespace, path, slice } of allMounts(inside)) {
    const own = view(inside, dataPrefix(slice))
    const check = CHECKS[`${of}/${type}`]
    if (check) for (const finding of check(own, inside)) yield `${namespace}${path}: ${finding}`
  }
}

/** Of namespaces with a seal of their own; the keys themselves are for those with their shares. */
function* checkSeals(inside: Store): Generator<string> {
  for (const { id, path, seal, doomed } of allNamespaces(inside)) {
    const there = view(inside, sealFolder(id))
    const problems = seal === id && !doomed ? (readSealConfig(there) ? checkSeal(there) : ['it has no seal configuration']) : []
    for (const problem of problems) yield `the seal of ${path}: ${problem}`
    if (seal !== id) for (const key of there.keys({ prefix: '' })) yield `${sealFolder(id)}${key} is of a namespace without a seal of its own`
  }
}

/** By class and type of a mount; `whole` is for what leads out of it. */
const CHECKS: Readonly<Record<string, (own: Store, whole: Store) => Iterable<string>>> = {
  'secret/kv': checkKv,
  'secret/cubbyhole': checkCubbyholes,
  'secret/spiffe': checkSpiffe,
  'auth/approle': checkAppRole,
  'auth/spiffe': checkSpiffeAuth,
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
