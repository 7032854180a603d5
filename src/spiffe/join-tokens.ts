// Join tokens: each lets one node attest, once, within its time. The store knows only their hashes.
import { createHash } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { uuid } from '../base/ids.ts'
import type { Clock, Random } from '../base/ports.ts'
import { type NodeAttestor, nodeAttestor } from '../contract/attestor.ts'
import { type SpiffeId, spiffeId, type TrustDomain } from '../crypto/spiffe-id.ts'
import { dueIndex } from '../store/due-index.ts'
import { records } from '../store/records.ts'
import { transact, type Tx } from '../store/transact.ts'
import type { Place } from './place.ts'

interface JoinToken {
  readonly expiresAt: number
}

/** The ID of the agent that attests with a token: known beforehand, and no help in guessing the token. */
export function joinTokenAgent(trustDomain: TrustDomain, token: string): SpiffeId {
  return spiffeId(trustDomain, `/spire/agent/join_token/${hash(token)}`)
}

export interface JoinTokens {
  /** A new token, or `wish` where an operator brings one. `ttl` in seconds. Throws `invalid` for one that exists. */
  create(ttl: number, wish?: string): Promise<{ token: string; expiresAt: number }>
  /** Uses it up. Of any number of callers with one token, exactly one is told true. */
  redeem(token: string): Promise<boolean>
  sweep(limit: number): Promise<void>
}

export const tokens = records<JoinToken>('join-token/')
export const due = dueIndex('join-token-due/')
const WISH = /^[A-Za-z0-9._-]{16,255}$/

export function openJoinTokens({ place, clock, random }: { place: Place; clock: Clock; random: Random }): JoinTokens {
  const { store } = place
  return {
    async create(ttl, wish) {
      if (ttl < 1) throw new Fault('invalid', 'ttl is required, you must provide one')
      if (wish !== undefined && !WISH.test(wish))
        throw new Fault('invalid', 'a join token has 16 to 255 letters, digits, dots, dashes and underscores')
      const token = wish ?? uuid(random)
      const expiresAt = clock.now() + ttl * 1000
      await transact(store, (tx) => {
        if (tokens.get(tx, hash(token))) throw new Fault('invalid', 'token already exists')
        tokens.put(tx, hash(token), { expiresAt })
        due.put(tx, expiresAt, hash(token))
      })
      return { token, expiresAt }
    },
    redeem: (token) =>
      transact(store, (tx) => {
        const known = tokens.get(tx, hash(token))
        if (!known) return false
        forget(tx, hash(token), known)
        return known.expiresAt > clock.now()
      }),
    async sweep(limit) {
      for (const id of due.before(store, clock.now(), limit)) {
        await transact(store, (tx) => {
          const known = tokens.get(tx, id)
          if (known) forget(tx, id, known)
        })
      }
    },
  }
}

/** Possession of a token that works once. */
export function joinTokenAttestor({ redeem }: Pick<JoinTokens, 'redeem'>): NodeAttestor {
  return nodeAttestor({
    type: 'join_token',
    doc: 'A token that works once.',
    settings: {},
    configure: () => undefined,
    parse: (payload) => payload.toString(),
    async verify(_, __, token) {
      if (!(await redeem(token))) throw new Fault('invalid', 'join token does not exist, has expired or has already been used')
      return { path: hash(token), selectors: [], canReattest: false }
    },
  })
}

function forget(tx: Tx, id: string, { expiresAt }: JoinToken): void {
  tokens.delete(tx, id)
  due.delete(tx, expiresAt, id)
}

/** A token is random enough that a plain hash hides it. */
function hash(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}
