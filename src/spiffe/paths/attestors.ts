// spiffe/attestors: which attestors nodes may use, and what each is told; one path for each, made from its declaration.
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { NodeAttestor } from '../../contract/attestor.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty, keys, missing } from '../../contract/reply.ts'
import { needsSettings } from '../attestors.ts'
import type { RoomsOf } from '../rooms.ts'

export function attestorPaths(roomsOf: RoomsOf, attestors: readonly NodeAttestor[]): Path[] {
  return [
    path('attestors', 'How nodes prove which ones they are.', {}, (op) => ({
      list: op({ doc: 'List the attestors that have settings.', run: ({ mount }) => keys(roomsOf(mount).attestors.types()) }),
    })),
    ...attestors.filter(needsSettings).map((attestor) => attestorPath(roomsOf, attestor)),
  ]
}

function attestorPath(roomsOf: RoomsOf, attestor: NodeAttestor): Path {
  const { type, doc, settings } = attestor
  return path(`attestors/${type}`, doc, {}, (op) => ({
    read: op({
      doc: 'Read its settings, without secrets.',
      output: settings,
      run({ mount }) {
        const found = roomsOf(mount).attestors.settings(type)
        return found ? data(attestor.show(found)) : missing()
      },
    }),
    write: op({
      doc: 'Offer it, by these settings alone: what is not said is at its default again.',
      access: 'sudo',
      input: settings,
      async run({ mount, data: sent }, input) {
        const unknown = Object.keys(sent).filter((key) => !Object.hasOwn(settings, key))
        if (unknown.length > 0) throw new Fault('invalid', `unknown settings: ${unknown.join(', ')} (known: ${Object.keys(settings).join(', ')})`)
        const rooms = roomsOf(mount)
        rooms.settings.need()
        await rooms.attestors.set(type, input as JsonObject)
        return empty()
      },
    }),
    delete: op({
      doc: 'Offer it no more; agents that attested by it stay.',
      access: 'sudo',
      run: async ({ mount }) => ((await roomsOf(mount).attestors.remove(type)) ? empty() : missing()),
    }),
  }))
}
