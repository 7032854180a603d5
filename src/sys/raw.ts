// What is stored, as it is stored behind the barrier: for repairs in recovery mode. The keys of seals are out of reach.
import { isUtf8 } from 'node:buffer'
import { bool, int, maybe, or, secret, type Shape, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../contract/reply.ts'
import { BrokenRecord } from '../crypto/aead.ts'
import { readBase64 } from '../crypto/byte-text.ts'
import { children } from '../store/folder.ts'
import { namespacePrefix, ROOT_ID } from '../store/layout.ts'
import type { Key, Store } from '../store/store.ts'

/** What seals keep, the server's and those of namespaces: nobody needs to read it, and whoever wrote it could lock everybody out. */
const PROTECTED = ['core/', `${namespacePrefix(ROOT_ID)}seal/`]

const params = { path: or(text('The key, with or without the slash at its end; or the folder of a list.'), '') }
const named = or(text('The key exactly as it is, where it is no path of a request. Taken where the path names none.'), '')
const encoding = or(text('`base64`, or nothing for plain text.'), '')

const readInput = { key: named, encoding, compressed: or(bool('Says nothing here: no value is compressed.'), true) }
const writeInput = {
  key: named,
  encoding,
  value: maybe(secret(text('What is to be stored, whole.'))),
  compression_type: or(text('Nothing: values are stored as they are.'), ''),
}
const listInput = { after: or(text('Begin after this name.'), ''), limit: or(int('Show at most so many names; 0 is all.'), 0) }
const removeInput = { key: named }

const LIST_DOC = 'List the names in a folder; one that ends in a slash may be a key besides.'

export interface RawDeps {
  /** All of it, behind the barrier. */
  readonly store: Store
  /** Told of every use, in place of audit devices; never of a value. */
  readonly log: Log
}

type Input<S extends Shape> = Values<typeof params & S>

export function rawPaths(deps: RawDeps): Path[] {
  return [
    path('raw/*path', 'What is stored behind the barrier.', params, (op) => ({
      list: op({ doc: LIST_DOC, input: listInput, run: (ctx, input) => list(deps, ctx, input) }),
      read: op({ doc: 'Read a value.', input: readInput, output: { value: text('As it is stored.') }, run: (ctx, input) => read(deps, ctx, input) }),
      write: op({ doc: 'Write a value, whole.', input: writeInput, run: (ctx, input) => write(deps, ctx, input) }),
      delete: op({ doc: 'Delete a key.', input: removeInput, run: (ctx, input) => remove(deps, ctx, input) }),
    })),
  ]
}

function list({ store, log }: RawDeps, ctx: Ctx, { path: folder, after, limit }: Input<typeof listInput>): Reply {
  const prefix = folder === '' ? '' : `${folder}/`
  note(log, ctx, prefix)
  assertOpen(prefix)
  void store.revision
  return keys([...children(store, prefix, { after, ...(limit > 0 ? { limit } : {}) })])
}

function read(deps: RawDeps, ctx: Ctx, input: Input<typeof readInput>): Reply {
  const { encoding: as } = input
  assertEncoding(as)
  const key = keyOf(deps, ctx, input)
  const value = valueOf(deps.store, key)
  if (!value) return missing()
  if (as === '' && !isUtf8(value)) throw new Fault('invalid', `the value of ${JSON.stringify(key)} is no text: read it with encoding=base64`)
  return data({ value: value.toString(as === 'base64' ? 'base64' : 'utf8') })
}

async function write(deps: RawDeps, ctx: Ctx, input: Input<typeof writeInput>): Promise<Reply> {
  const { encoding: as, value: given, compression_type: compression } = input
  assertEncoding(as)
  if (compression !== '') throw new Fault('invalid', `invalid compression type ${JSON.stringify(compression)}: values are stored as they are`)
  if (given === undefined) throw new Fault('invalid', 'missing value')
  const value = as === 'base64' ? readBase64(Buffer.from(given)) : Buffer.from(given)
  if (!value) throw new Fault('invalid', 'illegal base64 data')
  await deps.store.commit({ ops: [{ key: keyOf(deps, ctx, input), value }] })
  return empty()
}

/** What can't be opened can be deleted all the same. */
async function remove(deps: RawDeps, ctx: Ctx, input: Input<typeof removeInput>): Promise<Reply> {
  await deps.store.commit({ ops: [{ key: keyOf(deps, ctx, input), value: undefined }] })
  return empty()
}

/** Some keys end in a slash, which the path of a request can't say. */
function keyOf({ store, log }: RawDeps, ctx: Ctx, { path: at, key }: Input<typeof removeInput>): Key {
  if ((at === '') === (key === '')) throw new Fault('invalid', "name one key, in the path or as 'key'")
  void store.revision
  const folder = `${at}/`
  const found = at === '' ? key : !has(store, at) && has(store, folder) ? folder : at
  note(log, ctx, found)
  assertOpen(found)
  return found
}

function note(log: Log, { request: { id, verb, peer } }: Ctx, key: string): void {
  log.info('raw storage was asked for', { request_id: id, operation: verb, path: key, remote_address: peer.address })
}

/** Without opening it. */
function has(store: Store, key: Key): boolean {
  for (const first of store.keys({ prefix: key, limit: 1 })) return first === key
  return false
}

function valueOf(store: Store, key: Key): Buffer | undefined {
  try {
    return store.get(key)?.value
  } catch (error) {
    if (error instanceof BrokenRecord) throw new Fault('internal', error.message)
    throw error
  }
}

function assertEncoding(as: string): void {
  if (as !== '' && as !== 'base64') throw new Fault('invalid', `invalid encoding ${JSON.stringify(as)}`)
}

function assertOpen(key: string): void {
  if (PROTECTED.some((folder) => key.startsWith(folder))) throw new Fault('invalid', `cannot access ${JSON.stringify(key)}`)
}
