// What is settled about a mount: for whom its tokens must be, and which role they get unless one is named.
import { bool, list, maybe, text, type Values } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Ctx } from '../../contract/module.ts'
import { data, empty, type Reply } from '../../contract/reply.ts'
import { records } from '../../store/records.ts'
import { transact, type Tx } from '../../store/transact.ts'
import { normalise } from '../normalise.ts'

export interface Settings {
  /** Of which a JWT-SVID must name one; with none no JWT-SVID is taken. */
  readonly audiences: readonly string[]
  /** '' for none. */
  readonly defaultRole: string
  /** A JWT-SVID may be sent in the place of a token, with no login before it. */
  readonly bearer: boolean
}

const stored = records<Settings>('config/')
const ONLY = 'mount'

export const settingsFields = {
  audiences: maybe(list('Audiences of this mount: a JWT-SVID must be for one of them. Without any no JWT-SVID is taken.')),
  default_role: maybe(text('The role of logins that name none; otherwise the only role that fits.')),
  bearer: maybe(bool('Whether a JWT-SVID can be sent in the place of a token, with no login before it.')),
}

export function settingsOf(from: Pick<Tx, 'get'>): Settings {
  return stored.get(from, ONLY) ?? { audiences: [], defaultRole: '', bearer: false }
}

export async function writeSettings({ store }: Ctx, input: Values<typeof settingsFields>): Promise<Reply> {
  const named = input.default_role
  const defaultRole = named === undefined || named === '' ? named : normalise('role', named)
  await transact(store, (tx) => {
    const before = settingsOf(tx)
    stored.put(tx, ONLY, {
      audiences: input.audiences ?? before.audiences,
      defaultRole: defaultRole ?? before.defaultRole,
      bearer: input.bearer ?? before.bearer,
    })
  })
  return empty()
}

export function readSettings({ store }: Ctx): Reply {
  const { audiences, defaultRole, bearer } = settingsOf(store)
  return data({ audiences: [...audiences], default_role: defaultRole, bearer } satisfies JsonObject)
}
