// What keeps two changes of a mount table from missing each other, where one would stand in the other's way: a key for each first name.
import type { Key } from '../store/store.ts'
import type { Tx } from '../store/transact.ts'

export const MOUNTS = 'mount/'

const NOTHING = Buffer.alloc(0)

/** Two mounts of which one is below the other have the same first name; that of logins is the one behind `auth/`. */
export function guardOf(path: string): Key {
  const first = path.indexOf('/')
  const end = path.startsWith('auth/') ? path.indexOf('/', first + 1) : first
  return `mount-guard/${path.slice(0, end + 1)}`
}

/** To be called where it matters that no mount comes to stand near `path` at the same time. */
export function watch(own: Tx, path: string): void {
  own.get(guardOf(path))
}

/** To be called before a mount is put at `path`: of those that do so at the same time one goes through, and the others look again. */
export function guard(own: Tx, path: string): void {
  watch(own, path)
  own.put(guardOf(path), NOTHING)
}

/** The same before a mount is taken away. With the last of a first name its guard goes too, so that nothing piles up. */
export function unguard(own: Tx, path: string): void {
  const key = guardOf(path)
  watch(own, path)
  const name = key.slice('mount-guard/'.length)
  const others = Array.from(own.range({ prefix: MOUNTS + name, limit: 2 })).filter((entry) => entry.key !== MOUNTS + path)
  if (others.length > 0) own.put(key, NOTHING)
  else own.delete(key)
}
