// What a client would see of an auth method's answers, for tests that compare whole tables of them.
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { OpVerb } from '../contract/module.ts'
import type { Reply } from '../contract/reply.ts'
import type { LoginGrant } from '../contract/token.ts'
import type { Passwords } from '../crypto/password.ts'
import type { Bench } from './run-op.ts'

export interface Answer {
  readonly status: number
  readonly errors?: readonly string[]
  readonly data?: JsonObject | null
  readonly keys?: readonly string[]
  readonly login?: LoginGrant
  readonly warnings?: readonly string[]
}

export async function ask(bench: Bench, verb: OpVerb, path: string, data: JsonObject = {}): Promise<Answer> {
  try {
    const { reply, warnings } = await bench.call(verb, path, data)
    const all = [...('warnings' in reply ? (reply.warnings ?? []) : []), ...warnings]
    return { ...show(reply), ...(all.length > 0 ? { warnings: all } : {}) }
  } catch (error) {
    if (error instanceof Fault) return { status: error.status, errors: error.errors }
    throw error
  }
}

function show(reply: Reply): Answer {
  switch (reply.kind) {
    case 'data':
      return { status: reply.status ?? 200, data: reply.data }
    case 'keys':
      return { status: 200, keys: reply.keys }
    case 'login':
      return { status: 200, login: reply.login }
    case 'missing':
      return { status: 404, errors: [] }
    default:
      return { status: 204 }
  }
}

/** The text of a fault that Vault wraps. */
export function wrapped(cause: string): string {
  return `1 error occurred:\n\t* ${cause}\n\n`
}

/** Passwords without the cost of hashing them. */
export const plainPasswords: Passwords = {
  hash: async (password) => `plain:${password}`,
  verify: async (hash, password) => hash === `plain:${password}`,
}
