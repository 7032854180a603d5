// What LMDB's failures mean: which of them leave nothing written for certain.

/**
 * MDB_MAP_FULL, MDB_TXN_FULL and MDB_BAD_TXN refuse before the first page is written. ENOSPC, EDQUOT, EFBIG and EIO (which is
 * also how LMDB reports the short write at a full disk, and a failed fsync) come before the page of roots is written: without
 * it the other pages mean nothing. Where writing that page itself fails, the environment can't be read any more.
 */
const NOTHING_WRITTEN = new Set([-30_792, -30_788, -30_782, 28, 122, 27, 5])

/**
 * What "Commit failed" stands for. The binding rejects a second promise with it, which nobody else can see:
 * following it here keeps it from being reported as unhandled.
 */
export async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<unknown> }
  if (!commitError) return error
  return commitError.then(
    () => error,
    (cause: unknown) => cause,
  )
}

export function wroteNothing(cause: unknown): boolean {
  return isLmdbError(cause) && NOTHING_WRITTEN.has(cause.code)
}

/** After an error of its own, LMDB refuses to commit the transaction. */
export function isLmdbError(error: unknown): error is Error & { code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number'
}
