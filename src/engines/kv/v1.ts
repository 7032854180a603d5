// KV version 1: arbitrary objects by path, without history.
import { parseSeconds } from '../../base/duration.ts'
import { Fault } from '../../base/fault.ts'
import { text } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { type Ctx, type Module, path } from '../../contract/module.ts'
import { data, empty, missing, type Reply } from '../../contract/reply.ts'
import { transact } from '../../store/transact.ts'
import { tellV1 } from './events.ts'
import { list, NAMES, PAGE, scan } from './listing.ts'
import { secrets } from './secret.ts'
import { AT, refuseFolder, secretExists } from './secret-path.ts'
import { configure } from './upgrade.ts'

interface At {
  readonly path: string
}

export const kv1: Module = {
  kind: 'engine',
  type: 'kv',
  doc: 'Arbitrary secrets by path.',
  configure,
  paths: [
    path('*path', 'Secrets by path.', AT, (op) => ({
      read: op({ doc: 'Read a secret.', output: { ttl: text('Where the secret has one: how long a reader may keep it.') }, run: read }),
      write: op({ doc: 'Write a secret: any keys and values.', arbitrary: true, exists: secretExists, run: write }),
      delete: op({ doc: 'Delete a secret.', run: remove }),
      list: op({ doc: 'List the names in a folder.', input: PAGE, output: NAMES, run: list }),
      scan: op({ doc: 'List the paths of all secrets below a folder.', input: PAGE, output: NAMES, run: scan }),
    })),
  ],
}

function read(ctx: Ctx, { path: at }: At): Reply {
  const found = secrets.get(ctx.store, at)?.data
  return found ? data(found, { leaseDuration: ttl(found) ?? ctx.bounds.defaultTtl }) : missing()
}

async function write(ctx: Ctx, { path: at }: At): Promise<Reply> {
  refuseFolder(ctx)
  if (at === '') throw new Fault('invalid', 'missing path')
  if (Object.keys(ctx.data).length === 0) throw new Fault('invalid', 'missing data fields')
  const now = ctx.clock.now()
  await transact(ctx.store, (tx) => {
    secrets.put(tx, at, { createdAt: now, updatedAt: now, current: 1, oldest: 1, data: ctx.data })
    tellV1(ctx, tx, 'write')
  })
  return empty()
}

async function remove(ctx: Ctx, { path: at }: At): Promise<Reply> {
  await transact(ctx.store, (tx) => {
    if (!secrets.get(tx, at)) return
    secrets.delete(tx, at)
    tellV1(ctx, tx, 'delete')
  })
  return empty()
}

/** What the secret itself says of its life, in seconds; undefined where that is no duration. */
function ttl(found: JsonObject): number | undefined {
  const raw = Object.hasOwn(found, 'ttl') ? found['ttl'] : Object.hasOwn(found, 'lease') ? found['lease'] : undefined
  if (typeof raw !== 'string' && typeof raw !== 'number') return undefined
  try {
    return parseSeconds(raw)
  } catch {
    return undefined
  }
}
