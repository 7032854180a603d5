// Locking a namespace: nobody gets in, whoever they are, until its key or somebody with sudo ends it.
import { Fault } from '../base/fault.ts'
import { base62 } from '../base/ids.ts'
import type { Random } from '../base/ports.ts'
import type { Namespace } from '../contract/namespace.ts'
import { equalBytes } from '../crypto/hmac.ts'
import type { Namespaces } from './namespaces.ts'

const KEY_LENGTH = 24

/** Returns the key that ends the lock, which is shown this once. Throws `invalid` where there is nothing to lock. */
export async function lockNamespace(namespaces: Namespaces, path: string, random: Random): Promise<string> {
  const namespace = lockable(namespaces, path)
  const locked = namespaces.lockOf(namespace)
  if (locked) throw new Fault('invalid', `cannot lock namespace "${path}": ${alreadyLocked(locked, path)}`)
  const unlockKey = base62(random, KEY_LENGTH)
  await namespaces.change(path, (now) => {
    if (now.unlockKey !== '') throw new Fault('invalid', `cannot lock namespace "${path}": ${alreadyLocked(now, path)}`)
    return { ...now, unlockKey }
  })
  return unlockKey
}

function alreadyLocked(locked: Namespace, path: string): string {
  return locked.path === path ? 'is already locked' : `ancestor namespace "${locked.path}" is already locked`
}

/** `key` is undefined for those who need none. Throws `invalid` where there is nothing to unlock, or for another key. */
export async function unlockNamespace(namespaces: Namespaces, path: string, key: string | undefined): Promise<void> {
  const namespace = lockable(namespaces, path)
  if (namespace.unlockKey === '') throw new Fault('invalid', `namespace "${path}" is not locked`)
  const locked = namespaces.lockOf(namespace)
  if (locked && locked.path !== path) throw new Fault('invalid', `cannot unlock "${path}" with namespace "${locked.path}" being locked`)
  await namespaces.change(path, (now) => {
    if (key !== undefined && !equalBytes(Buffer.from(now.unlockKey), Buffer.from(key))) throw new Fault('invalid', 'incorrect unlock key')
    return { ...now, unlockKey: '' }
  })
}

function lockable(namespaces: Namespaces, path: string): Namespace {
  const namespace = namespaces.at(path)
  if (!namespace) throw new Fault('invalid', 'requested namespace does not exist')
  if (path === '') throw new Fault('invalid', 'root namespace cannot be locked/unlocked')
  return namespace
}
