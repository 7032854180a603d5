// What a batch must keep to, checked before anything is queued; what comes out is the store's own.
import { Fault } from '../base/fault.ts'
import { type Batch, type Key, MAX_KEY_BYTES, MAX_NOTE_CHARS, MAX_VALUE_BYTES, type Revision } from './store.ts'

/** A checked batch: values are copies, each key is written once. */
export interface Commit {
  readonly writes: ReadonlyMap<Key, Buffer | undefined>
  readonly expect: readonly { readonly key: Key; readonly revision: Revision }[]
  readonly notes: readonly string[] | undefined
}

/** Throws `invalid` for a key that no store can hold, `too-large` for a value or notes past their bound. */
export function checkBatch({ ops, expect = [], notes }: Batch): Commit {
  if (notes && lengthOf(notes) > MAX_NOTE_CHARS) throw new Fault('too-large', `notes must be at most ${MAX_NOTE_CHARS} characters`)
  const writes = new Map<Key, Buffer | undefined>()
  for (const { key, value } of ops) {
    if (!isKey(key)) throw new Fault('invalid', `a key must be 1 to ${MAX_KEY_BYTES} bytes of well-formed text`)
    if (value && value.length > MAX_VALUE_BYTES) throw new Fault('too-large', `a value must be at most ${MAX_VALUE_BYTES} bytes`)
    writes.set(key, value && Buffer.from(value))
  }
  return { writes, expect: expect.map(({ key, revision }) => ({ key, revision })), notes: notes?.length ? [...notes] : undefined }
}

function lengthOf(notes: readonly string[]): number {
  return notes.reduce((total, { length }) => total + length, 0)
}

/** Whether a store can hold this key: other texts name nothing. */
export function isKey(text: string): boolean {
  if (text.length === 0 || !text.isWellFormed()) return false
  return text.length * 3 <= MAX_KEY_BYTES || (text.length <= MAX_KEY_BYTES && Buffer.byteLength(text) <= MAX_KEY_BYTES)
}
