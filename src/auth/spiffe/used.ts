// The ids of JWT-SVIDs that were shown: a token that has one is taken once.
import { createHash } from 'node:crypto'
import { Fault } from '../../base/fault.ts'
import { dueIndex } from '../../store/due-index.ts'
import { records } from '../../store/records.ts'
import type { Store } from '../../store/store.ts'
import { transact } from '../../store/transact.ts'

export const used = records<{ readonly until: number }>('jti/')
export const due = dueIndex('jti-due/')

/** Beyond a token's end, in milliseconds: longer than the clock of its issuer may be off. */
const GRACE = 120_000
const STEP = 60
/** Issuers elsewhere may write any number. */
const FOR_EVER = 1e14

/** Throws `denied` for one that was shown before. `expiresAt` in wall milliseconds. */
export async function useOnce(store: Store, trustDomain: string, tokenId: string, expiresAt: number): Promise<void> {
  const id = createHash('sha256').update(`${trustDomain}\0${tokenId}`).digest('base64url')
  const until = Math.min(Math.ceil(expiresAt), FOR_EVER) + GRACE
  await transact(store, (tx) => {
    if (used.get(tx, id)) throw new Fault('denied', 'this JWT-SVID has been used already')
    used.put(tx, id, { until })
    due.put(tx, until, id)
  })
}

export async function sweepUsed(store: Store, now: number): Promise<void> {
  for (let ids = due.before(store, now, STEP); ids.length > 0; ids = due.before(store, now, STEP)) {
    await transact(store, (tx) => {
      for (const id of ids) {
        const { until } = used.get(tx, id) ?? { until: 0 }
        used.delete(tx, id)
        due.delete(tx, until, id)
      }
    })
  }
}
