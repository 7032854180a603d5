// A refusal by policy that can be explained later. Its answer tells no more than any other: the explanation is for those who ask with the right to.
import { Fault, permissionDenied } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Acl, AclDecision, AclRequest } from './acl.ts'
import type { Explanation } from './explain.ts'
import { explanationJson } from './explanation-json.ts'

/** Why a token may do nothing in some namespaces. */
export const OUTSIDE = 'the token is of a namespace that is neither this one nor one above it'

/** What was asked, without what was sent along. */
type Asked = Omit<AclRequest, 'data'>

export class Denial extends Fault {
  readonly #acl: Acl
  readonly #asked: Asked
  readonly #decision: AclDecision

  constructor(acl: Acl, { path, verb, creates, sudo, wrapTtl }: AclRequest, decision: AclDecision) {
    super('denied', ...permissionDenied().errors)
    this.#acl = acl
    this.#asked = { path, verb, creates, sudo, wrapTtl }
    this.#decision = decision
  }

  /** By the rules as they were then; for those who may see all of it. */
  told(): JsonObject {
    return explanationJson(this.#asked, this.#explain())
  }

  /** For the one who was refused. Of a write where it may neither create nor update, it must not learn which of them it would have been. */
  toldToAsker(): JsonObject {
    const granted = this.#explain().decidedBy?.capabilities ?? []
    if (this.#asked.verb !== 'write' || granted.includes('create') || granted.includes('update')) return this.told()
    const either = { ...this.#asked, creates: false }
    const told = explanationJson(either, this.#acl.explain({ ...either, data: {} }))
    const change = { text: 'give one of the policies a rule for this path that grants create and update' }
    return { ...told, operation: 'write', needs: ['create', ...(told['needs'] as string[])], reason: blind(told['reason'] as string), change }
  }

  #explain(): Explanation {
    return this.#acl.explain({ ...this.#asked, data: {} }, this.#decision)
  }
}

function blind(reason: string): string {
  return reason.replace(/ does not grant (sudo and )?update$/, ' does not grant $1create or update')
}
