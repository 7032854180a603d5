// What a server's refusal means for the agent: try again, prove itself anew, or give up.
import { Fault } from '../base/fault.ts'
import { GrpcError, STATUS } from '../wire/grpc.ts'
import { reasonOf } from './server/messages.ts'

/** The agent cannot go on. */
export class Ending extends Error {
  /** Whether it was turned away for good, so that what it holds may not be served any longer. */
  readonly outcast: boolean
  readonly hint: string

  constructor(message: string, hint: string, outcast = false) {
    super(message)
    this.name = 'Ending'
    this.hint = hint
    this.outcast = outcast
  }
}

export type Verdict = 'again' | 'attest' | Ending

const AGAIN = 'set up node_attestor anew (a join token works once), then start the agent'

/** Of a call that the agent made under its own SVID. */
export function judge(error: unknown, reattestable: boolean): Verdict {
  if (!(error instanceof GrpcError) || error.code !== STATUS.denied) return 'again'
  const reason = reasonOf(error.details)
  if (reason === 'unknown') return 'again'
  if (reason === 'banned') return new Ending('the server has banned this agent', 'only who administers the server can lift a ban', true)
  if (reattestable) return 'attest'
  return new Ending(`the server does not take this agent any more: ${error.message}`, AGAIN, reason === 'not-attested')
}

/** Codes with which a server says that it will never take this proof. */
const REFUSED: readonly number[] = [STATUS.invalid, STATUS.notFound, STATUS.denied, STATUS.precondition, STATUS.unimplemented, STATUS.unauthenticated]

/** Of an attestation. */
export function judgeAttestation(error: unknown): 'again' | Ending {
  if (error instanceof Fault) return new Ending(`this node cannot be attested: ${error.message}`, AGAIN)
  if (!(error instanceof GrpcError) || !REFUSED.includes(error.code)) return 'again'
  if (reasonOf(error.details) === 'banned') return judge(error, false) as Ending
  return new Ending(`the server refused to attest this node: ${error.message}`, AGAIN)
}
