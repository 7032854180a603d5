// The key=value arguments of commands that send data: texts, files and standard input.
import { Fault } from '../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import { parseBody } from '../client/secret.ts'
import { Failure, fileProblem } from './failure.ts'
import type { Terminal } from './terminal.ts'

/**
 * `k=v`, `k=@file`, `k=-` (standard input), `k=\@text`; `@file` and `-` alone hold a JSON object. A key given again makes a list.
 * @example await readData(terminal, ['a=1', 'b=@note.txt']) // { a: '1', b: 'what the file holds' }
 */
export async function readData(terminal: Terminal, words: readonly string[], doing = 'Failed to parse K=V data'): Promise<JsonObject> {
  const data: JsonObject = {}
  for (const word of words) {
    try {
      await addWord(terminal, data, word)
    } catch (error) {
      if (!(error instanceof Failure || error instanceof Fault)) throw error
      throw new Failure(1, `${doing}: invalid key/value pair ${JSON.stringify(word)}: ${error.message}`)
    }
  }
  return data
}

/** The same as texts by key, for queries: a list stays one. */
export async function readQuery(terminal: Terminal, words: readonly string[], doing?: string): Promise<Record<string, string | string[]>> {
  const data = await readData(terminal, words, doing)
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Array.isArray(value) ? value.map(toText) : toText(value)]))
}

/** The same as one text by key. */
export async function readTexts(terminal: Terminal, words: readonly string[], doing?: string): Promise<Record<string, string>> {
  const data = await readData(terminal, words, doing)
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, toText(value)]))
}

async function addWord(terminal: Terminal, data: JsonObject, word: string): Promise<void> {
  if (word === '') return
  const equals = word.indexOf('=')
  if (equals < 0) {
    Object.assign(data, parseObject(await readWhole(terminal, word)))
    return
  }
  const key = word.slice(0, equals)
  const value = await readValue(terminal, word.slice(equals + 1))
  const before = Object.hasOwn(data, key) ? data[key] : undefined
  data[key] = before === undefined ? value : [...(Array.isArray(before) ? before : [before]), value]
}

async function readWhole(terminal: Terminal, word: string): Promise<Uint8Array> {
  if (word === '-') return terminal.readStdin()
  if (word.startsWith('@')) return readFile(terminal, word.slice(1))
  throw new Failure(1, 'format must be key=value')
}

async function readValue(terminal: Terminal, value: string): Promise<string> {
  if (value.startsWith('@')) return Buffer.from(await readFile(terminal, value.slice(1))).toString()
  if (value === '-') return Buffer.from(await terminal.readStdin()).toString()
  return value.startsWith('\\@') ? value.slice(1) : value
}

export function readFile(terminal: Terminal, path: string): Promise<Uint8Array> {
  return terminal.ports.files.read(path).catch((error: unknown) => {
    throw new Failure(1, `error reading file: open ${path}: ${fileProblem(error)}`)
  })
}

function parseObject(bytes: Uint8Array): JsonObject {
  const parsed = parseBody(bytes)
  if (isObject(parsed)) return parsed
  throw new Failure(1, 'must be a JSON object')
}

function toText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
