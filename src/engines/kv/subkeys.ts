// `subkeys/`: the shape of a secret without its values.
import { int, object, or } from '../../base/fields.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { type Ctx, path } from '../../contract/module.ts'
import type { Reply } from '../../contract/reply.ts'
import { readVersion } from './data.ts'
import { AT, onSecret } from './secret-path.ts'

const READ = {
  depth: or(int('How many levels to show; 0 is all.'), 0),
  version: or(int('The version to read; 0 is the newest.'), 0),
}
const OUTPUT = { subkeys: object('The contents with null for every value.'), metadata: object('What is known of the version.') }

export const subkeysPath = path('subkeys/*path', 'The keys of secrets without their values.', AT, (op) => ({
  read: op({ doc: 'Read the keys of a secret.', input: READ, output: OUTPUT, run: onSecret(read) }),
}))

function read(ctx: Ctx, input: { path: string; depth: number; version: number }): Reply {
  return readVersion(ctx, input, 'subkeys', (contents) => withoutValues(contents, input.depth, 1))
}

/** Objects that are empty, or deeper than asked for, are values too. */
function withoutValues(contents: JsonObject, depth: number, level: number): JsonObject {
  const opens = depth === 0 || level < depth
  return Object.fromEntries(
    Object.entries(contents).map(([key, value]) => {
      const inner = opens && isObject(value) && Object.keys(value).length > 0
      return [key, inner ? withoutValues(value, depth, level + 1) : null]
    }),
  )
}
