// Many actions, some at a time.

/** Runs `one` for every item, `width` at a time. The first failure ends it: what runs is awaited, the rest is left, and it rejects. */
export async function forEach<T>(items: Iterable<T>, width: number, one: (item: T) => Promise<unknown>): Promise<void> {
  const left = items[Symbol.iterator]()
  let failed = false
  const lane = async (): Promise<void> => {
    for (let next = left.next(); !next.done && !failed; next = left.next()) {
      try {
        await one(next.value)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: width }, lane))
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason
}
