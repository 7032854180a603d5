// Looking for what is left of dead tokens, in the background of the process that was asked to; the log says what was found.
import type { Log } from '../base/log.ts'
import type { Timers } from '../base/ports.ts'
import { children } from '../store/folder.ts'
import type { Store } from '../store/store.ts'
import type { Mounts } from '../tenancy/mounts.ts'
import type { Cemetery } from '../token/bury.ts'
import { tidy } from '../token/tidy.ts'
import type { Tokens } from '../token/tokens.ts'

export interface TidyingDeps {
  readonly store: Store
  readonly tokens: Tokens
  readonly mounts: Mounts
  readonly cemetery: Cemetery
  readonly timers: Timers
  readonly log: Log
}

/** Starts it; false where it is under way in this process. */
export function openTidying({ store, tokens, mounts, cemetery, timers, log }: TidyingDeps): () => boolean {
  let running = false

  function owners(after: string, limit: number): string[] {
    const mount = mounts.at('cubbyhole/')
    if (!mount) return []
    const page = after === '' ? { limit } : { after: `${after}/`, limit }
    return Array.from(children(mounts.storeOf(mount), '', page), (name) => name.replace(/\/$/, ''))
  }

  async function run(): Promise<void> {
    try {
      const living = (hash: string) => tokens.byHash(hash)
      const found = await tidy({ store, living, end: (token) => tokens.revoke(token), owners, cemetery, turn: timers.turn })
      log.info('tokens are tidy', { ...found })
    } catch (error) {
      log.error('tokens could not be tidied', {}, error)
    } finally {
      running = false
    }
  }

  return () => {
    if (running) return false
    running = true
    void run()
    return true
  }
}
