// A namespace's own seal: its state, taking shares, closing it, and removing a namespace that nobody can open any more.
import { Fault } from '../base/fault.ts'
import { bool, or, text } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import type { Namespace } from '../contract/namespace.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import type { GenerateRootAction, KeyStep, RekeyAction } from '../seal/key-steps.ts'
import { parseUnsealBody } from '../seal/share-codec.ts'
import { namespaceName } from '../tenancy/namespace-names.ts'
import type { Namespaces } from '../tenancy/namespaces.ts'
import type { SealStatus } from './state.ts'

/** Whoever holds the keys of namespaces on this machine, by the ids of those that have a seal of their own. */
export interface NamespaceSealPort {
  status(id: string): Promise<SealStatus>
  /** Takes a share, and wipes it. Resolves when every process that serves has the keys, where it was the last that was needed. */
  unseal(id: string, share: Buffer): Promise<SealStatus>
  /** Forgets the shares given so far. */
  reset(id: string): Promise<SealStatus>
  /** Resolves when every process has forgotten the keys. */
  seal(ids: readonly string[]): Promise<void>
  /** Starts a new term of its keys. With `only`, unless that term is past. */
  rotate(id: string, only?: number): Promise<void>
  /** Numbers of a term that processes took for sealing and have left. */
  unspent(id: string, term: number): Promise<number>
  /** Replaces its root key. */
  rotateRoot(id: string): Promise<void>
  /** A step towards new shares. */
  rekey(id: string, step: KeyStep<RekeyAction>): Promise<Buffer | undefined>
  /** A step towards a root token of the namespace. */
  generateRoot(id: string, step: KeyStep<GenerateRootAction>): Promise<Buffer | undefined>
  /** Ends the time in which the shares before a rekey are good as well. */
  settle(id: string): Promise<void>
}

export interface NamespaceSealDeps {
  readonly namespaces: Namespaces
  readonly seals: NamespaceSealPort
  /** Closes a sealed one for removal without opening it, by its path; with `force` all within it too. False where it is not there. */
  readonly erase: (path: string, force: boolean) => Promise<boolean>
}

export function namespaceSealPaths(deps: NamespaceSealDeps): Path[] {
  const param = { path: text('Name of the namespace, within the one that is asked.') }
  const { namespaces, seals } = deps
  return [
    path('namespaces/*path/seal-status', 'The seal of a namespace.', param, (op) => ({
      read: op({
        doc: 'Read the state of its own seal.',
        run: async (ctx, input) => data(shown(await seals.status(sealable(namespaces, ctx, input.path).id))),
      }),
    })),
    path('namespaces/*path/seal', 'Sealing a namespace.', param, (op) => ({
      write: op({
        doc: 'Forget its keys, and those of all below it that have seals of their own.',
        run: (ctx, input) => seal(deps, ctx, input.path),
      }),
    })),
    path('namespaces/*path/unseal', 'Unsealing a namespace.', param, (op) => ({
      write: op({
        doc: 'Give one key share (key, as hex or base64), or start over (reset).',
        bytes: true,
        run: (ctx, input, body) => unseal(deps, ctx, input.path, body),
      }),
    })),
    path('namespaces/*path/delete-sealed', 'Removing a sealed namespace.', param, (op) => ({
      delete: op({
        doc: 'Remove it without opening it: what it lent is not given back.',
        access: 'sudo',
        input: { force: or(bool('Remove all namespaces within it too.'), false) },
        run: (ctx, input) => erase(deps, ctx, input.path, input.force),
      }),
    })),
  ]
}

function shown({ type, initialized, sealed, t, n, progress, nonce }: SealStatus): JsonObject {
  return { initialized, n, nonce, progress, sealed, t, type }
}

function sealable(namespaces: Namespaces, { mount }: Ctx, name: string, absent = (path: string) => `namespace "${path}" doesn't exist`): Namespace {
  const path = namespaceName(name)
  const namespace = namespaces.stored(mount.namespace + path)
  if (!namespace) throw new Fault('invalid', absent(path))
  if (namespace.seal !== namespace.id) throw new Fault('invalid', 'namespace is not sealable')
  return namespace
}

async function seal({ namespaces, seals }: NamespaceSealDeps, ctx: Ctx, name: string): Promise<Reply> {
  const namespace = sealable(namespaces, ctx, name, () => "namespace doesn't exist")
  const below = namespaces.list(namespace, 'all').filter((one) => one.seal === one.id)
  await seals.seal([namespace, ...below].map(({ id }) => id))
  return empty()
}

async function unseal({ namespaces, seals }: NamespaceSealDeps, ctx: Ctx, name: string, body: Buffer): Promise<Reply> {
  const { key, reset, migrate } = parseUnsealBody(body)
  try {
    const { id } = sealable(namespaces, ctx, name)
    if (migrate) throw new Fault('invalid', "can't perform a seal migration, no migration seal found")
    return data(shown(reset || !key ? await seals.reset(id) : await seals.unseal(id, key)))
  } finally {
    key?.fill(0)
  }
}

async function erase({ namespaces, erase }: NamespaceSealDeps, ctx: Ctx, name: string, force: boolean): Promise<Reply> {
  const path = ctx.mount.namespace + namespaceName(name)
  const namespace = namespaces.stored(path)
  if (namespace && !namespace.doomed && !namespaces.isSealed(namespace)) throw new Fault('invalid', 'namespace is not sealed')
  const closed = await erase(path, force)
  return closed ? data({ status: 'in-progress' }) : empty('requested namespace does not exist')
}
