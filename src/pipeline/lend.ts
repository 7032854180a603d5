// What a module lends becomes a lease of the token that asked for it, before anyone is answered.
import type { Clock } from '../base/ports.ts'
import type { Allowed } from '../contract/call.ts'
import type { Mount } from '../contract/mount.ts'
import { data, type DataReply, type Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Leases } from '../lease/leases.ts'
import { type Lend, lastUse, type Loan } from '../lease/lend.ts'

export interface LendStageDeps {
  readonly lend: Lend
  readonly leases: Pick<Leases, 'end'>
  readonly clock: Clock
}

export interface LendStage {
  /** Carries out the grant of a reply that has one. Throws where nothing may be lent, with nothing lent then. */
  lend(reply: Reply, call: Allowed, mount: Mount): Promise<Reply>
  /** Nobody will learn of the reply: what it lends is taken back. */
  takeBack(reply: Reply): Promise<void>
}

export function openLendStage({ lend, leases, clock }: LendStageDeps): LendStage {
  return {
    async lend(reply, { caller, path }, mount) {
      if (reply.kind !== 'data' || !reply.lease) return reply
      if (!caller) throw new Error(`${mount.type} lends to nobody`)
      if (caller.numUses < 0) throw lastUse()
      return lent(reply, await lend(reply.lease, { mount, path, ...hangsOn(caller) }))
    },
    async takeBack(reply) {
      if (reply.kind === 'data' && reply.leased) await leases.end([reply.leased.id], clock.now())
    },
  }
}

/** A lease ends with its token. A batch token has no record that could be told of its end: its parent has, and its time is known. */
function hangsOn({ type, hash, parent, expiresAt }: Token): { holder: string; latest: number | undefined } {
  return type === 'batch' ? { holder: parent ?? '', latest: expiresAt } : { holder: hash, latest: undefined }
}

function lent(reply: DataReply, { leased, data: acted, warnings }: Loan): Reply {
  return data({ ...reply.data, ...acted }, { leased, warnings: [...(reply.warnings ?? []), ...warnings] })
}
