// The attestors that nodes may prove themselves by: those that were told their settings, and those that need none.
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { NodeAttestor } from '../contract/attestor.ts'
import { records } from '../store/records.ts'
import { transact } from '../store/transact.ts'
import type { Place } from './place.ts'

export interface Offered {
  readonly attestor: NodeAttestor
  readonly settings: JsonObject
}

export interface Attestors {
  /** Throws `invalid` for a type that is unknown or has no settings. */
  offered(type: string): Offered
  /** Undefined where there are none. */
  settings(type: string): JsonObject | undefined
  /** Types that have settings, in order. */
  types(): string[]
  /** Offers the attestor by these settings alone. Throws `invalid` for what can't work. */
  set(type: string, settings: JsonObject): Promise<void>
  /** Offers it no more; agents that attested stay. False where it was not. */
  remove(type: string): Promise<boolean>
}

const stored = records<JsonObject>('attestor/')
const CACHED = 100

export function openAttestors(place: Place, attestors: readonly NodeAttestor[]): Attestors {
  const { store } = place
  const byType = new Map(attestors.map((one) => [one.type, one]))
  const settings = place.keyed(stored.key(''), (type) => stored.get(store, type), CACHED)

  function known(type: string): NodeAttestor {
    const attestor = byType.get(type)
    if (!attestor) throw new Fault('invalid', `attestor "${type}" is unknown (known: ${[...byType.keys()].sort().join(', ')})`)
    return attestor
  }

  return {
    offered(type) {
      const attestor = known(type)
      const found = needsSettings(attestor) ? settings(type) : {}
      if (!found) throw new Fault('invalid', `attestor "${type}" is not offered: it has no settings at spiffe/attestors/${type}`)
      return { attestor, settings: found }
    },
    settings,
    types: () => stored.ids(store),
    async set(type, given) {
      known(type).check(given)
      await transact(store, (tx) => stored.put(tx, type, given))
    },
    remove: (type) =>
      transact(store, (tx) => {
        const was = stored.get(tx, type) !== undefined
        if (was) stored.delete(tx, type)
        return was
      }),
  }
}

export const needsSettings = ({ settings }: NodeAttestor): boolean => Object.keys(settings).length > 0
