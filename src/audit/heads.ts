// How far the chains of a device had come when they were last signed, kept behind the barrier: a log that ends sooner was cut.
import { Fault } from '../base/fault.ts'
import { records } from '../store/records.ts'
import type { Space } from '../store/space.ts'
import { transact } from '../store/transact.ts'
import { type Head, lineHash } from './chain.ts'
import { CHAINS, type Device, isEnabled } from './device.ts'
import { readLink } from './line.ts'

export interface KnownHead extends Head {
  /** Wall milliseconds of the checkpoint. */
  readonly at: number
}

export interface Heads {
  /** Oldest first; none while sealed. */
  of(device: Device): readonly KnownHead[]
  /** Nothing happens where the device is no more, or the server is sealed. */
  save(device: Device, head: Head, now: number): Promise<void>
  drop(device: Device): Promise<void>
}

/** Chains of a device that are remembered; each start of each worker makes one. */
const KEPT = 32

export function openHeads({ store }: Pick<Space, 'store'>): Heads {
  const all = ({ id }: Device) => records<KnownHead>(`${CHAINS}${id}/`)

  function of(device: Device): KnownHead[] {
    const mine = all(device)
    const heads = mine.ids(store).flatMap((id) => mine.get(store, id) ?? [])
    return heads.sort((a, b) => a.at - b.at)
  }

  return {
    of: (device) => unlessSealed(() => of(device), []),
    save: (device, head, now) =>
      unlessSealed(() => {
        const old = of(device).filter(({ id }) => id !== head.id)
        return transact(store, (tx) => {
          if (!isEnabled(tx, device)) return
          all(device).put(tx, head.id, { ...head, at: now })
          for (const { id } of old.slice(0, Math.max(0, old.length - KEPT + 1))) all(device).delete(tx, id)
        })
      }, Promise.resolve()),
    drop: (device) =>
      transact(store, (tx) =>
        all(device)
          .ids(store)
          .forEach((id) => all(device).delete(tx, id)),
      ),
  }
}

function unlessSealed<T>(run: () => T, instead: T): T {
  try {
    return run()
  } catch (error) {
    if (error instanceof Fault && error.code === 'sealed') return instead
    throw error
  }
}

/**
 * Known heads, moved on by what the last part of a log holds: lines that follow the known one without a break. `broken` names
 * chains whose lines there are not those that were signed.
 */
export function headsIn(lines: Iterable<Buffer>, known: readonly Head[]): { readonly heads: Head[]; readonly broken: string[] } {
  const heads = new Map(known.map(({ id, seq, hash }) => [id, { id, seq, hash }]))
  const followed = new Set<string>()
  const broken = new Set<string>()
  for (const line of lines) {
    const link = readLink(line)
    const head = link && heads.get(link.id)
    if (!link || !head || link.seq < head.seq) continue
    const hash = lineHash(line)
    if (link.seq === head.seq && hash === head.hash) followed.add(link.id)
    else if (followed.has(link.id) && link.seq === head.seq + 1 && link.prev === head.hash) heads.set(link.id, { id: link.id, seq: link.seq, hash })
    else if (followed.has(link.id) || link.seq === head.seq) broken.add(link.id)
  }
  return { heads: [...heads.values()], broken: [...broken] }
}
