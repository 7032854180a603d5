// Who waits for a change hears of it once, however many changes there were.

export interface Bell {
  ring(): void
  /** `run` is called at every ring, until the returned function is. */
  listen(run: () => void): () => void
}

export function bell(): Bell {
  const listeners = new Set<() => void>()
  return {
    ring() {
      for (const run of [...listeners]) run()
    },
    listen(run) {
      const own = () => run()
      listeners.add(own)
      return () => void listeners.delete(own)
    },
  }
}

/** A sleeper that any number of hands may wake. */
export interface Sleeper {
  readonly wake: () => void
  /** Resolves at the next `wake`; at once where there was one since the last. */
  sleep(): Promise<void>
}

export function sleeper(): Sleeper {
  let awake = false
  let resolve: (() => void) | undefined
  return {
    wake() {
      awake = true
      resolve?.()
    },
    async sleep() {
      if (!awake) await new Promise<void>((done) => (resolve = done))
      awake = false
    },
  }
}
