// The slices of the store that mounts keep their data in: numbers that are given out once, a block at a time for each process.
import { sliceName } from '../store/layout.ts'
import { encode } from '../store/records.ts'
import type { Store } from '../store/store.ts'
import { transact } from '../store/transact.ts'

/** Gives out a slice that no mount had before, over all namespaces and processes; `seal` is what guards the namespace that it is for. */
export type TakeSlice = (seal: string) => Promise<string>

/** How many numbers were ever given out. */
const COUNT = 'slices'
/** What a process that ends leaves unused is lost: there are enough numbers. */
const BLOCK = 64

export function openSlices(store: Store): TakeSlice {
  let next = 0
  let end = 0
  let reserving: Promise<void> | undefined

  async function reserve(): Promise<void> {
    const from = await transact(store, (tx) => {
      const count = Number(tx.get(COUNT)?.value.toString() ?? '0')
      tx.put(COUNT, encode(count + BLOCK))
      return count
    })
    next = from
    end = from + BLOCK
  }

  return async (seal) => {
    while (next === end) {
      reserving ??= reserve().finally(() => {
        reserving = undefined
      })
      await reserving
    }
    return sliceName(seal, next++)
  }
}
