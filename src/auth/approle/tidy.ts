// Clearing away secret IDs that expired or whose role is gone, in steps small enough for any store.
import type { Ctx } from '../../contract/module.ts'
import { empty, type Reply } from '../../contract/reply.ts'
import { records } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { transact, type Tx } from '../../store/transact.ts'
import { type Digest, findDigest } from '../salt.ts'
import { expired, placesOfRole, removeExpired, removeSecretId } from './secret-ids.ts'

/** A secret ID is three keys, and the weakest store takes 128 operations in one commit. */
const STEP = 40

/** Roles that are gone while some of their secret IDs are still stored, by uuid. */
const buried = records<true>('buried/')

export function markBuried(tx: Tx, role: string): void {
  buried.put(tx, role, true)
}

/** Whether what a removed role left is still to be removed. */
export function isBuried(store: Pick<Store, 'get'>, role: string): boolean {
  return buried.get(store, role) !== undefined
}

/** Removes what a removed role left. Cut short, it is taken up again by `sweepSecretIds`. */
export async function bury(store: Store, digest: Digest, role: string): Promise<void> {
  for (let places = placesOfRole(store, role, STEP); places.length > 0; places = placesOfRole(store, role, STEP)) {
    await transact(store, (tx) => places.forEach((place) => removeSecretId(tx, digest, place)))
  }
  await transact(store, (tx) => buried.delete(tx, role))
}

/** Removes the secret IDs of a mount that expired by `now`, and what removed roles left. Returns how many had expired. */
export async function sweepSecretIds(store: Store, now: number): Promise<number> {
  const digest = findDigest(store)
  if (!digest) return 0
  let removed = 0
  for (let due = expired(store, now, STEP); due.length > 0; due = expired(store, now, STEP)) {
    await transact(store, (tx) => due.forEach((one) => removeExpired(tx, digest, one)))
    removed += due.length
  }
  for (const role of buried.ids(store)) await bury(store, digest, role)
  return removed
}

export async function tidy(ctx: Ctx): Promise<Reply> {
  await sweepSecretIds(ctx.store, ctx.clock.now())
  return empty('Tidy operation successfully started. Any information from the operation will be printed to the server logs.')
}
