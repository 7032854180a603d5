// What the agent keeps on disk, so that it can serve before the server answers: each record sealed under a key that is its user's alone.
import type { Log } from '../base/log.ts'
import type { JsonObject } from '../base/json.ts'
import type { Random } from '../base/ports.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'

/** A folder of the agent's own. */
export interface Drawer {
  /** Undefined where it is absent. */
  read(name: string): Buffer | undefined
  /** Replaces it whole, readable for the agent's user only; is on disk when it returns. */
  write(name: string, bytes: Buffer): void
  /** Nothing where it is absent. */
  remove(name: string): void
}

export const KEY_BYTES = 32
const TERM = 1

export interface Keeping {
  /** Undefined where there is none that can be opened. */
  load(name: string): JsonObject | undefined
  /** Throws the system's error where it can't be written. */
  save(name: string, value: JsonObject): void
  /** The same of what is served though it can't be written now: false then, and the caller tries again later. */
  trySave(name: string, value: JsonObject): boolean
  forget(name: string): void
}

/** `key` are 32 bytes. A record that was altered, or that another key sealed, is none. */
export function openKeeping(drawer: Drawer, key: Buffer, random: Random, log: Log): Keeping {
  function save(name: string, value: JsonObject): void {
    const plain = Buffer.from(JSON.stringify(value))
    try {
      drawer.write(name, sealRecord(key, TERM, plain, name, random))
    } finally {
      plain.fill(0)
    }
  }

  return {
    load(name) {
      const sealed = drawer.read(name)
      if (!sealed) return undefined
      try {
        return JSON.parse(openRecord(() => key, sealed, name).toString()) as JsonObject
      } catch (error) {
        if (!(error instanceof BrokenRecord)) throw error
        log.warn('what was kept cannot be opened, and is left', { name })
        return undefined
      }
    },
    save,
    trySave(name, value) {
      try {
        save(name, value)
        return true
      } catch (error) {
        log.warn('what is held cannot be kept on disk, and a restart would lose it', { name, reason: (error as Error).message })
        return false
      }
    },
    forget: (name) => drawer.remove(name),
  }
}
