// Node attestation: which node this is, by evidence that cannot be used by another.
import { Fault } from '../base/fault.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { joinTokenAgent } from './join-tokens.ts'
import type { Spiffe } from './rooms.ts'
import type { Selector } from './selectors.ts'

export interface Attested {
  readonly id: SpiffeId
  readonly selectors: readonly Selector[]
  readonly canReattest: boolean
}

type Attestor = (rooms: Pick<Spiffe, 'joinTokens' | 'settings'>, payload: Buffer) => Promise<Attested>

const ATTESTORS: Readonly<Record<string, Attestor | undefined>> = {
  /** Possession of a token that works once. */
  async join_token({ joinTokens, settings }, payload) {
    const token = payload.toString()
    if (!(await joinTokens.redeem(token))) throw new Fault('invalid', 'join token does not exist, has expired or has already been used')
    return { id: joinTokenAgent(settings.need().trustDomain, token), selectors: [], canReattest: false }
  },
}

/** Throws `invalid` where the evidence is none. */
export async function attest(rooms: Pick<Spiffe, 'joinTokens' | 'settings'>, attestor: string, payload: Buffer): Promise<Attested> {
  const run = Object.hasOwn(ATTESTORS, attestor) ? ATTESTORS[attestor] : undefined
  if (!run) throw new Fault('invalid', `attestor "${attestor}" is not offered (known: ${Object.keys(ATTESTORS).join(', ')})`)
  return run(rooms, payload)
}
