// Attested nodes: which agent certificates are good, and what is known of the machine behind each.
import { Fault } from '../base/fault.ts'
import type { Clock } from '../base/ports.ts'
import type { SpiffeId } from '../crypto/spiffe-id.ts'
import { records } from '../store/records.ts'
import { transact } from '../store/transact.ts'
import type { X509Svid } from './authorities.ts'
import type { Issued, IssuedSvid } from './issued.ts'
import type { Place } from './place.ts'
import type { Selector } from './selectors.ts'

/** Times in wall milliseconds; serial numbers in lower-case hex. */
export interface Agent {
  readonly id: SpiffeId
  /** Attestor: `join_token`, `x509pop`, … */
  readonly type: string
  /** Of the certificate in use; '' for a banned agent. */
  readonly serial: string
  readonly expiresAt: number
  /** Of a renewed one that was not used yet: the old stays good until it is. */
  readonly newSerial: string
  readonly newExpiresAt: number
  /** Attests again instead of renewing. */
  readonly canReattest: boolean
  readonly selectors: readonly Selector[]
  readonly version: string
  readonly attestedAt: number
  readonly banned: boolean
}

/** Why a certificate is not taken (SPIRE's PermissionDeniedDetails). */
export type Refusal = 'expired' | 'not-attested' | 'not-active' | 'banned'

export interface Agents {
  get(id: SpiffeId): Agent | undefined
  page(after: string, limit: number): Agent[]
  count(): number
  /** Records an attestation. Throws `denied` for a banned agent, and for one that attests once only and did. */
  attest(agent: Svid & Omit<Agent, 'newSerial' | 'newExpiresAt' | 'banned' | 'attestedAt' | 'version'>): Promise<void>
  renew(id: SpiffeId, svid: Svid): Promise<void>
  /** The agent that this certificate is of; the first use of a renewed one ends the old. */
  authenticate(id: SpiffeId, serial: string): Promise<Agent | Refusal>
  report(id: SpiffeId, version: string): Promise<void>
  ban(id: SpiffeId): Promise<boolean>
  evict(id: SpiffeId): Promise<boolean>
}

type Svid = Pick<X509Svid, 'authority' | 'serial' | 'expiresAt'>

export const agents = records<Agent>('agent/')
const CACHED = 20_000

/** `issued` is told of their SVIDs in the same commits. */
export function openAgents({ place, clock, issued }: { place: Place; clock: Clock; issued: Pick<Issued, 'put'> }): Agents {
  const { store } = place
  const cached = place.keyed(agents.key(''), (id) => agents.get(store, id), CACHED)

  function change(id: SpiffeId, step: (agent: Agent) => Agent, svid?: Svid): Promise<Agent | undefined> {
    return transact(store, (tx) => {
      const before = agents.get(tx, id)
      if (!before) return undefined
      const after = step(before)
      agents.put(tx, id, after)
      if (svid) issued.put(tx, [own(id, svid)])
      return after
    })
  }

  return {
    get: cached,
    page: (after, limit) => agents.ids(store, { limit, ...(after === '' ? {} : { after }) }).flatMap((id) => cached(id) ?? []),
    count: () => agents.ids(store).length,
    async attest({ authority, ...agent }) {
      await transact(store, (tx) => {
        const before = agents.get(tx, agent.id)
        if (before?.banned) throw new Fault('denied', 'agent is banned')
        if (before && !(before.canReattest && agent.canReattest))
          throw new Fault('denied', 'the agent has attested already, and this attestation can be used once only')
        const fresh = { newSerial: '', newExpiresAt: 0, banned: false, attestedAt: clock.now(), version: before?.version ?? '' }
        agents.put(tx, agent.id, { ...agent, ...fresh })
        issued.put(tx, [own(agent.id, { ...agent, authority })])
      })
    },
    async renew(id, svid) {
      await change(id, (agent) => ({ ...agent, newSerial: svid.serial, newExpiresAt: svid.expiresAt }), svid)
    },
    async authenticate(id, serial) {
      const agent = cached(id)
      if (!agent) return 'not-attested'
      if (agent.banned) return 'banned'
      const renewed = agent.newSerial !== '' && agent.newSerial === serial
      if (!renewed && agent.serial !== serial) return 'not-active'
      if ((renewed ? agent.newExpiresAt : agent.expiresAt) <= clock.now()) return 'expired'
      if (!renewed) return agent
      const now = await change(id, (one) => (one.newSerial === serial ? activated(one) : one))
      return now?.serial === serial ? now : 'not-active'
    },
    async report(id, version) {
      if (cached(id)?.version !== version) await change(id, (agent) => ({ ...agent, version }))
    },
    async ban(id) {
      const banned = await change(id, (agent) => ({ ...agent, banned: true, serial: '', newSerial: '', expiresAt: 0, newExpiresAt: 0 }))
      return banned !== undefined
    },
    evict: (id) =>
      transact(store, (tx) => {
        const agent = agents.get(tx, id)
        if (agent) agents.delete(tx, id)
        return agent !== undefined
      }),
  }
}

const own = (id: SpiffeId, { authority, serial, expiresAt }: Svid): IssuedSvid => ({
  authority,
  serial,
  spiffeId: id,
  entry: '',
  agent: id,
  expiresAt,
})

function activated(agent: Agent): Agent {
  return { ...agent, serial: agent.newSerial, expiresAt: agent.newExpiresAt, newSerial: '', newExpiresAt: 0 }
}
