// sys/namespaces: making, reading, listing, changing, locking and removing the namespaces below the one that is asked.
import { Fault } from '../base/fault.ts'
import { list, maybe, object, or, secret, text, type Values } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { asFolder, parsePath } from '../base/path.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Namespace } from '../contract/namespace.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import { lockNamespace, unlockNamespace } from '../tenancy/namespace-lock.ts'
import { namespaceName } from '../tenancy/namespace-names.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import { parseSealStanza, type Split } from './seal-stanza.ts'

export interface NamespaceDeps {
  readonly namespaces: Namespaces
  /** Closes one for removal, by its path; false where it is not there. Throws `invalid` where others are within it. */
  readonly close: (path: string) => Promise<boolean>
  /** Makes one with a seal of its own, which is sealed then. The shares of its key, in hex, are shown this once. Throws `invalid`. */
  readonly makeSealed: (
    parent: Namespace,
    name: string,
    metadata: Namespace['metadata'],
    split: Split & { readonly pgpKeys: readonly string[] },
  ) => Promise<{ readonly namespace: Namespace; readonly shares: string[] }>
  /** Whether the caller has sudo on the path that it asks. */
  readonly isSudo: (ctx: Ctx) => boolean
}

type Metadata = Namespace['metadata']

const setInput = {
  custom_metadata: maybe(object('Texts by key, for people to know it by.')),
  seal: maybe(text('Gives it a seal of its own: a stanza such as seal "shamir" { shares = 5 threshold = 3 }.')),
  pgp_keys: or(list('A PGP public key in base64 for each share of that seal, which is encrypted with it.'), []),
}

export function namespacePaths(deps: NamespaceDeps): Path[] {
  const param = { path: text('Name of the namespace, within the one that is asked.') }
  const { namespaces } = deps
  return [
    path('namespaces', 'The namespaces within this one.', {}, (op) => ({
      list: op({ doc: 'List those directly within it.', run: (ctx) => listed(namespaces, ctx, 'children') }),
      scan: op({ doc: 'List those at whatever depth.', run: (ctx) => listed(namespaces, ctx, 'all') }),
    })),
    path('namespaces/*path', 'A namespace.', param, (op) => ({
      read: op({ doc: 'Read a namespace.', run: (ctx, input) => read(namespaces, ctx, input.path) }),
      write: op({ doc: 'Make a namespace, or replace its metadata.', input: setInput, run: (ctx, input) => put(deps, ctx, input) }),
      patch: op({
        doc: 'Merge metadata: null removes a key.',
        input: { custom_metadata: setInput.custom_metadata },
        run: (ctx, input) => patch(namespaces, ctx, input),
      }),
      delete: op({ doc: 'Remove a namespace with all that is in it; it closes at once.', run: (ctx, input) => remove(deps, ctx, input.path) }),
    })),
    ...lockPaths(deps),
  ]
}

function lockPaths({ namespaces, isSudo }: NamespaceDeps): Path[] {
  const param = { path: or(text('Path of the namespace, within the one that is asked; that one itself where nothing is said.'), '') }
  const lock = async (ctx: Ctx, where: string): Promise<Reply> => data({ unlock_key: await lockNamespace(namespaces, below(ctx, where), ctx.random) })
  const unlock = async (ctx: Ctx, where: string, key: string): Promise<Reply> => {
    if (key === '' && !isSudo(ctx)) throw new Fault('invalid', 'provided empty key')
    await unlockNamespace(namespaces, below(ctx, where), key === '' ? undefined : key)
    return key === '' ? empty('Namespace unlocked using sudo capabilities') : empty()
  }
  const key = { unlock_key: secret(or(text('What locking gave; not needed with sudo.'), '')) }
  return [
    path('namespaces/api-lock/lock/*path', 'The lock of a namespace.', param, (op) => ({
      write: op({ doc: 'Lock a namespace and all below it.', run: (ctx, input) => lock(ctx, input.path) }),
    })),
    path('namespaces/api-lock/unlock/*path', 'The end of a lock.', param, (op) => ({
      write: op({ doc: 'Unlock a namespace.', input: key, run: (ctx, input) => unlock(ctx, input.path, input.unlock_key) }),
    })),
  ]
}

/** The full path of what is named within the namespace that is asked. */
function below({ mount }: Ctx, where: string): string {
  return mount.namespace + asFolder(parsePath(where.replace(/^\/|\/$/g, '')))
}

function describe(namespace: Namespace): JsonObject {
  return {
    custom_metadata: { ...namespace.metadata },
    id: namespace.id,
    locked: namespace.unlockKey !== '',
    path: namespace.path,
    tainted: namespace.doomed,
    uuid: namespace.uuid,
  }
}

function listed(namespaces: Namespaces, { mount }: Ctx, depth: 'children' | 'all'): Reply {
  const parent = parentOf(namespaces, mount.namespace)
  const found = namespaces.list(parent, depth)
  const named = found.map((one) => [one.path.slice(parent.path.length), describe(one)] as const)
  if (depth === 'all' && named.length === 0) return data({})
  return keys(
    named.map(([name]) => name),
    Object.fromEntries(named),
  )
}

function read(namespaces: Namespaces, { mount }: Ctx, name: string): Reply {
  const found = namespaces.stored(mount.namespace + namespaceName(name))
  return found ? data(describe(found)) : missing()
}

async function put({ namespaces, makeSealed }: NamespaceDeps, { mount }: Ctx, input: Values<typeof setInput> & { path: string }): Promise<Reply> {
  const name = namespaceName(input.path)
  const metadata = metadataOf(input.custom_metadata ?? {})
  const split = input.seal === undefined ? undefined : parseSealStanza(input.seal)
  const parent = parentOf(namespaces, mount.namespace)
  if (!split) return data(describe(await namespaces.put(parent, name, metadata)))
  const { namespace, shares } = await makeSealed(parent, name, metadata, { ...split, pgpKeys: input.pgp_keys })
  return data({ ...describe(namespace), key_shares: shares, key_threshold: split.threshold })
}

function metadataOf(raw: JsonObject): Metadata {
  if (!Object.values(raw).every((value) => typeof value === 'string')) throw new Fault('invalid', 'custom_metadata values must be strings')
  return raw as Metadata
}

async function patch(
  namespaces: Namespaces,
  { mount, data: sent }: Ctx,
  input: { path: string; custom_metadata: JsonObject | undefined },
): Promise<Reply> {
  const where = mount.namespace + namespaceName(input.path)
  const merge = sent.custom_metadata === null ? () => ({}) : merging(input.custom_metadata ?? {})
  const changed = await namespaces.change(where, (now) => ({ ...now, metadata: merge(now.metadata) }))
  if (!changed) throw new Fault('invalid', 'namespace not found')
  return data(describe(changed))
}

/** RFC 7396, one level deep. */
function merging(changes: JsonObject): (before: Metadata) => Metadata {
  const kept = Object.entries(changes).filter(([, value]) => value !== null)
  if (!kept.every(([, value]) => typeof value === 'string')) throw new Fault('invalid', 'metadata patch can only have string or null values')
  return (before) => {
    const merged = new Map(Object.entries(before))
    for (const [key, value] of Object.entries(changes)) if (value === null) merged.delete(key)
    for (const [key, value] of kept) merged.set(key, value as string)
    return Object.fromEntries(merged)
  }
}

async function remove({ namespaces, close }: NamespaceDeps, { mount }: Ctx, name: string): Promise<Reply> {
  const path = mount.namespace + namespaceName(name)
  const namespace = namespaces.stored(path)
  if (namespace && namespaces.isSealed(namespace)) throw new Fault('sealed', 'namespace is sealed')
  const closed = await close(path)
  return closed ? data({ status: 'in-progress' }) : empty('requested namespace does not exist')
}

function parentOf(namespaces: Namespaces, at: string): Namespace {
  const parent = namespaces.at(at)
  if (!parent) throw new Fault('missing', 'namespace not found')
  return parent
}
