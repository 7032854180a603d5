// `detailed-metadata/`: LIST and SCAN that also tell what is known of each secret.
import { object } from '../../base/fields.ts'
import { type Ctx, path } from '../../contract/module.ts'
import { keys, type Reply } from '../../contract/reply.ts'
import { folder, listNames, NAMES, PAGE, type PageInput, scanNames } from './listing.ts'
import { describe } from './metadata.ts'
import { secrets } from './secret.ts'
import { AT } from './secret-path.ts'

const OUTPUT = { ...NAMES, key_info: object('What is known of each secret, by name; empty for a folder.') }

export const detailedMetadataPath = path('detailed-metadata/*path', 'Names of secrets with what is known of each.', AT, (op) => ({
  list: op({ doc: 'List the names in a folder, with metadata.', input: PAGE, output: OUTPUT, run: (ctx, input) => detail(ctx, input, listNames) }),
  scan: op({
    doc: 'List all secrets below a folder, with metadata.',
    input: PAGE,
    output: OUTPUT,
    run: (ctx, input) => detail(ctx, input, scanNames),
  }),
}))

function detail(ctx: Ctx, input: PageInput, find: typeof listNames): Reply {
  const names = find(ctx, input)
  const infos = names.map((name) => {
    const at = folder(input.path) + name
    const secret = secrets.get(ctx.store, at)
    return [name, secret ? describe(ctx.store, at, secret) : {}] as const
  })
  return keys(names, Object.fromEntries(infos))
}
