// The agent's standing with its server: attested, renewed in time, attested again where that is allowed.
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import type { SigningKey } from '../crypto/signing-key.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { IsRevoked } from '../crypto/x509-svid.ts'
import type { AgentMeter } from '../telemetry/agent-metrics.ts'
import type { NodeAttestation } from './attestation.ts'
import { Ending, judge, judgeAttestation } from './denial.ts'
import { forgetIdentity, type Identity, identityOf, keepIdentity, loadIdentity, newRequest } from './identity.ts'
import type { Keeping } from './keeping.ts'
import { attestAgent, getBundle, type GivenSvid, renewAgent } from './server/api.ts'
import { type Dial, type Link, openLink } from './server/link.ts'
import { isBelieved, isTainted, revokedBy, type Trust } from './trust.ts'
import type { Trusts } from './trusts.ts'

export interface StandingDeps {
  readonly trustDomain: TrustDomain
  /** host:port each. */
  readonly addresses: readonly string[]
  readonly attestation: NodeAttestation
  /** The pinned authorities; throws a Fault where they can't be read. */
  readonly bootstrap: () => readonly Buffer[] | 'anyone'
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly dial: Dial
  readonly keeping: Keeping
  readonly log: Log
  readonly meter: Pick<AgentMeter, 'made'>
  readonly trusts: Trusts
  readonly link: Link
}

/** What a server gave, as long as the bundle to check it by has not come; `door` leads to that server. */
interface Proven {
  readonly given: GivenSvid
  readonly key: SigningKey
  readonly door: Link
}

export class Standing {
  readonly #deps: StandingDeps
  #identity: Identity | undefined
  #proven: Proven | undefined
  #attempts = 0

  constructor(deps: StandingDeps) {
    this.#deps = deps
    const trust = deps.trusts.own()
    this.#identity = trust && loadIdentity(deps.keeping, trust, deps.clock.now())
    this.present()
  }

  /** What it is known by now; undefined before it is attested, or after that ran out. */
  identity(): Identity | undefined {
    return this.#identity && this.#identity.expiresAt > this.#deps.clock.now() ? this.#identity : undefined
  }

  /** Attests or renews where that is due. Throws what kept it from that, an Ending where there is no use in trying again. */
  async ensure(): Promise<void> {
    const now = this.#deps.clock.now()
    if (this.#identity && this.#identity.expiresAt <= now) this.#identity = undefined
    if (!this.#identity) return this.#attest()
    const trust = this.#deps.trusts.own()
    const unfit = trust !== undefined && (isTainted(trust, this.#identity.chain) || !isBelieved(trust, this.#identity.chain))
    if (unfit || this.#identity.renewAt <= now) await this.#renewOrGoOn(this.#identity, now)
  }

  /** Lets the link use the identity and the bundle of now. */
  present(): void {
    const trust = this.#deps.trusts.own()
    if (this.#identity && trust) this.#deps.link.present({ roots: trust.bundle.x509Authorities, own: this.#identity, isRevoked: this.#isRevoked })
  }

  /** Why the agent has to end, where a failed call means that; takes note of one that means to attest again. */
  judge(error: unknown): Ending | undefined {
    if (error instanceof Ending) return error
    const verdict = judge(error, this.#identity?.reattestable ?? false)
    if (verdict instanceof Ending) return verdict
    if (verdict === 'attest') this.forget()
    return undefined
  }

  forget(): void {
    this.#identity = undefined
    forgetIdentity(this.#deps.keeping)
  }

  /** A new one that can't be kept is not used: a restart would lose it, and the server takes the old one no more once it is. */
  async #renewOrGoOn(old: Identity, now: number): Promise<void> {
    try {
      await this.#renew(old)
    } catch (error) {
      if (!isSystemError(error)) throw error
      this.#deps.log.warn('the renewed identity cannot be kept on disk; the old one goes on', { reason: error.message })
      this.#identity = { ...old, renewAt: now + AGAIN }
    }
  }

  async #renew(old: Identity): Promise<void> {
    if (old.reattestable) return this.#attest()
    const { key, csr } = newRequest()
    const chain = await this.#deps.link.ask((client, options) => renewAgent(client, csr, options))
    this.#adopt({ chain, reattestable: false }, key, await this.#believe(this.#deps.link))
  }

  async #attest(): Promise<void> {
    const { given, key, door } = (this.#proven ??= await this.#prove())
    const trust = await this.#believe(door)
    this.#proven = undefined
    door.close()
    this.#adopt(given, key, trust)
  }

  /** By the lists of now. */
  readonly #isRevoked: IsRevoked = (certificate) => revokedBy(this.#deps.trusts.own())(certificate)

  /** The bundle of now: an authority may have signed that was not in it before. */
  async #believe(link: Link): Promise<Trust> {
    const trust = await link.ask((client, options) => getBundle(client, this.#deps.trustDomain, options))
    this.#deps.trusts.setOwn(trust)
    return trust
  }

  async #prove(): Promise<Proven> {
    const { addresses, attestation, dial, timers } = this.#deps
    const { key, csr } = newRequest()
    const door = openLink({ addresses, dial, timers })
    try {
      door.present({ roots: this.#rootsToTry(), own: undefined, isRevoked: this.#isRevoked })
      return { key, door, given: await door.ask((client, options) => attestAgent(client, attestation, csr, options)) }
    } catch (error) {
      door.close()
      const verdict = judgeAttestation(error)
      // An agent that is still in good standing goes on trying; one that is not has nothing else to try.
      throw verdict === 'again' || (this.#identity && !verdict.outcast) ? error : verdict
    }
  }

  /** The bundle that was kept is fresher than the pinned one, unless the server lost everything since. */
  #rootsToTry(): readonly Buffer[] | 'anyone' {
    const known = this.#deps.trusts.own()
    return known && this.#attempts++ % 2 === 0 ? known.bundle.x509Authorities : this.#deps.bootstrap()
  }

  /** Kept before it is used: the server takes the old one no more from the first use of the new. */
  #adopt(given: GivenSvid, key: SigningKey, trust: Trust): void {
    const next = identityOf(given, key, trust, this.#deps)
    keepIdentity(this.#deps.keeping, next)
    this.#deps.meter.made('agent', this.#identity ? 'renewal' : 'first')
    this.#identity = next
    this.present()
    const { id, expiresAt, reattestable } = next
    this.#deps.log.info('attested', { spiffe_id: id, expires_at: new Date(expiresAt).toISOString(), reattestable })
  }
}

/** Milliseconds until it is tried again. */
const AGAIN = 60_000

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'syscall' in error && 'errno' in error
