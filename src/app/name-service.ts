// Names of users and groups by the name service of the system (nsswitch.conf(5)), in this process: SSSD, LDAP, systemd and what else is set up.
import { getSystemErrorName } from 'node:util'
import koffi, { type KoffiFunc } from 'koffi'
import type { Clock, Timers } from '../base/ports.ts'

/** The name of a number; undefined where it has none. Rejects where that could not be found out. */
export type LookUp = (id: number) => Promise<string | undefined>

export interface NameService {
  readonly userOf: LookUp
  readonly groupOf: LookUp
}

type Find = (id: number, entry: { name?: unknown }, buffer: Buffer, size: number, found: unknown[]) => number

const FIRST_BYTES = 4_096
/** A group may have very many members, which come along. */
const MOST_BYTES = 4 << 20

/** By getpwuid_r(3) and getgrgid_r(3), off the event loop. Throws where there is no such library. */
export function systemNames(): NameService {
  const libc = koffi.load(null)
  // Of either entry only the name is read, and that only where there is one; what follows it is room.
  const entry = koffi.struct({ name: 'void *', rest: koffi.array('uint8_t', 56) })
  const find = (name: string) =>
    libc.func(name, 'int', ['uint32_t', koffi.out(koffi.pointer(entry)), 'void *', 'size_t', koffi.out(koffi.pointer('void *'))])

  const lookUp = (call: KoffiFunc<Find>) => {
    const within = (id: number, size: number): Promise<string | undefined> =>
      new Promise((resolve, reject) => {
        const made: { name?: unknown } = {}
        const found: unknown[] = [null]
        const buffer = Buffer.alloc(size)
        call.async(id, made, buffer, size, found, (error: unknown, code: number) => {
          const name = code === 0 && found[0] !== null ? String(koffi.decode(made.name, 'char', -1)) : undefined
          buffer.fill(0) // what else an entry holds is nobody's business here; and until now it had to stay where it is
          const problem = code === 0 ? '' : getSystemErrorName(-code)
          if (problem === 'ERANGE' && size < MOST_BYTES) resolve(within(id, size * 4))
          else if (error || (code !== 0 && !ABSENT.includes(problem))) reject(new Error(`the name service failed: ${problem || String(error)}`))
          else resolve(name)
        })
      })
    return (id: number) => within(id, FIRST_BYTES)
  }
  return { userOf: lookUp(find('getpwuid_r')), groupOf: lookUp(find('getgrgid_r')) }
}

/** With these some services say that there is nobody (getpwnam(3)). */
const ABSENT: readonly string[] = ['ENOENT', 'ESRCH']

/** Milliseconds for which a name, or that there is none, is believed. */
const FRESH = 60_000
/** Milliseconds for which who asks waits. */
const PATIENCE = 2_000
const MOST_KEPT = 10_000

/**
 * The same, remembered, and one at a time, so that a directory that hangs holds up one thread and nobody for long. Where nothing can be
 * found out, the last name counts.
 */
export function remembering(
  { userOf, groupOf }: NameService,
  { clock, timers }: { clock: Pick<Clock, 'monotonic'>; timers: Pick<Timers, 'after'> },
): NameService {
  let line: Promise<unknown> = Promise.resolve()
  let hangs = false

  function remembered(lookUp: LookUp): LookUp {
    const known = new Map<number, { readonly name: string | undefined; readonly at: number }>()
    const asked = new Map<number, Promise<string | undefined>>()

    const inLine = (id: number): Promise<string | undefined> => {
      const answer = line.then(() => lookUp(id))
      line = answer.catch(() => {})
      return answer
    }
    const ask = (id: number): Promise<string | undefined> => {
      const answer = inLine(id).then((name) => {
        if (known.size >= MOST_KEPT) known.clear()
        known.set(id, { name, at: clock.monotonic() })
        return name
      })
      asked.set(
        id,
        answer.catch(() => known.get(id)?.name).finally(() => asked.delete(id)),
      )
      return asked.get(id) as Promise<string | undefined>
    }

    return async (id) => {
      const last = known.get(id)
      if (last && clock.monotonic() - last.at < FRESH) return last.name
      const answer = asked.get(id) ?? ask(id)
      if (hangs) return last?.name
      const { promise: enough, resolve } = Promise.withResolvers<string | undefined>()
      const cancel = timers.after(PATIENCE, () => {
        hangs = true
        void line.then(() => (hangs = false))
        resolve(last?.name)
      })
      try {
        return await Promise.race([answer, enough])
      } finally {
        cancel()
      }
    }
  }
  return { userOf: remembered(userOf), groupOf: remembered(groupOf) }
}
