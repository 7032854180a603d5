// Waits for what other parts of this process or other processes bring about.

/** Rejects where it does not hold after so many looks, 10 ms apart. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, looks = 1_000): Promise<void> {
  for (let tries = 0; tries < looks; tries++) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`never happened: ${what}`)
}
