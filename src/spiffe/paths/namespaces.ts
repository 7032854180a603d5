// spiffe/namespaces: which part of the trust domain each namespace has; spiffe/part: the same as the namespace itself sees it.
import { list, or, text, maybe, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Path, path } from '../../contract/module.ts'
import type { Namespace } from '../../contract/namespace.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import { parseSpiffeId } from '../../crypto/spiffe-id.ts'
import { checkPower, type Part } from '../parts.ts'
import type { RoomsOf, Spiffe } from '../rooms.ts'
import { findPage } from './filters.ts'

/** A namespace by its path, without slashes around it; undefined where it is none. */
export type NamespaceAt = (path: string) => Namespace | undefined

const at = { path: text('Path of the namespace.') }
const partInput = {
  prefix: maybe(text('Path that its SPIFFE IDs lie below: /ns/team.')),
  parents: or(list('SPIFFE IDs of agents, or that agents have, below which its entries may be.'), []),
  dns_suffixes: or(list('DNS names that its SVIDs may have, and those below them.'), []),
}

export function namespacePaths(roomsOf: RoomsOf, namespaceAt: NamespaceAt): Path[] {
  const find = (given: string): Namespace => {
    const found = given === '' ? undefined : namespaceAt(given)
    if (!found) throw new Fault('invalid', `no namespace ${JSON.stringify(given)}`)
    return found
  }
  return [
    path('namespaces', 'The parts of the trust domain that namespaces have.', {}, (op) => ({
      list: op({ doc: 'List the namespaces.', run: ({ mount }) => listParts(roomsOf(mount)) }),
    })),
    path('namespaces/*path', 'The part of a namespace.', at, (op) => ({
      write: op({
        doc: 'Let a namespace make IDs below a prefix.',
        access: 'sudo',
        input: partInput,
        run: ({ mount }, input) => writePart(roomsOf(mount), find(input.path), input),
      }),
      read: op({
        doc: 'Read it.',
        output: partInput,
        run({ mount }, input) {
          const part = roomsOf(mount).parts.of(find(input.path).id)
          return part ? data(describe(part)) : missing()
        },
      }),
      delete: op({
        doc: 'End it: the entries that were made in the namespace go, and their identities are not renewed.',
        access: 'sudo',
        run: ({ mount }, input) => endPart(roomsOf(mount), find(input.path).id),
      }),
    })),
  ]
}

/** In the namespace itself. */
export function ownPartPaths(partOf: (namespaceId: string) => Part): Path[] {
  return [
    path('part', 'The part of the trust domain that this namespace has.', {}, (op) => ({
      read: op({ doc: 'Read what it may name.', output: partInput, run: ({ mount }) => data(describe(partOf(mount.namespaceId))) }),
    })),
  ]
}

function listParts({ parts }: Spiffe): Reply {
  const there = parts.all().filter(({ ending }) => !ending)
  const names = there.map((part): [string, JsonObject] => [part.path, describe(part)]).sort(([a], [b]) => (a < b ? -1 : 1))
  return keys(
    names.map(([name]) => name),
    Object.fromEntries(names),
  )
}

async function writePart({ parts, entries, settings }: Spiffe, namespace: Namespace, input: Values<typeof partInput>): Promise<Reply> {
  const before = parts.of(namespace.id)
  const part = {
    namespace: namespace.id,
    path: namespace.path,
    prefix: input.prefix ?? before?.prefix ?? '',
    parents: input.parents.map(parseSpiffeId),
    dnsSuffixes: input.dns_suffixes.map((name) => name.toLowerCase().replace(/^\*?\./, '')),
  }
  const powerful = findPage(entries.page, ({ admin, downstream }) => admin || downstream, ALL).map(({ spiffeId }) => spiffeId)
  for (const id of [...powerful, ...settings.need().adminIds]) checkPower([{ ...part, ending: false }], id)
  await parts.put(part)
  return empty()
}

const ALL = { after: '', limit: Number.POSITIVE_INFINITY }

async function endPart({ parts }: Spiffe, id: string): Promise<Reply> {
  await parts.end(id)
  return empty()
}

const describe = ({ prefix, parents, dnsSuffixes }: Part): JsonObject => ({ prefix, parents: [...parents], dns_suffixes: [...dnsSuffixes] })
