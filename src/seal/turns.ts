// Long operations on the keys, one at a time.

/** Runs what it is given when all that was given before has ended. */
export type Turns = <T>(run: () => Promise<T>) => Promise<T>

export function openTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return (run) => {
    const result = last.then(run)
    last = result.catch(() => {})
    return result
  }
}
