// What the agent holds for its workloads, brought in line with the server again and again.
import type { Log } from '../base/log.ts'
import type { Clock, Random, Timers } from '../base/ports.ts'
import type { KeyType } from '../crypto/signing-key.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { AgentMeter } from '../telemetry/agent-metrics.ts'
import { type Bell, bell } from './bell.ts'
import { type AgentEntry, type EntryIndex, indexEntries, isSameRevision } from './entry.ts'
import { type JwtSvids, openJwtSvids } from './jwt-svids.ts'
import type { Keeping } from './keeping.ts'
import { getBundle, getFederatedBundle, newJwtSvid, newWitSvids, newX509Svids, syncEntries } from './server/api.ts'
import type { Link } from './server/link.ts'
import type { Trust } from './trust.ts'
import type { Trusts } from './trusts.ts'
import { forgetWorkloads, keepWorkloads, loadWorkloads } from './workloads.ts'
import { WitSvids } from './wit-svids.ts'
import { X509Svids } from './x509-svids.ts'

export interface StateDeps {
  readonly trustDomain: TrustDomain
  readonly workloadKeyType: KeyType
  readonly mostX509: number
  readonly mostJwt: number
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly keeping: Keeping
  readonly log: Log
  readonly meter: Pick<AgentMeter, 'made' | 'notMade'>
  readonly trusts: Trusts
  readonly link: Link
}

export class State {
  readonly #deps: StateDeps
  readonly x509: X509Svids
  readonly jwt: JwtSvids
  readonly wit: WitSvids
  /** Rings after entries, SVIDs or bundles changed. */
  readonly changes: Bell = bell()
  #entries: EntryIndex | undefined
  /** Whether what is held is on disk, too. */
  #saved = true

  constructor(deps: StateDeps) {
    const { link, trusts } = deps
    this.#deps = deps
    this.x509 = new X509Svids({
      ...deps,
      ask: (requests) => link.ask((client, options) => newX509Svids(client, requests, options)),
      trust: trusts.own,
      keyType: deps.workloadKeyType,
      most: deps.mostX509,
    })
    this.jwt = openJwtSvids({
      ...deps,
      ask: (entryId, audience) => link.ask((client, options) => newJwtSvid(client, entryId, audience, options)),
      trust: trusts.own,
      most: deps.mostJwt,
    })
    this.wit = new WitSvids({
      ...deps,
      ask: (requests) => link.ask((client, options) => newWitSvids(client, requests, options)),
      trust: trusts.own,
      keyType: deps.workloadKeyType,
      most: deps.mostX509,
    })
    const kept = loadWorkloads(deps.keeping)
    if (!kept) return
    this.#entries = indexEntries(kept.entries)
    this.x509.restore(kept.svids)
    this.wit.restore(kept.wits)
  }

  /** Whether it knows its entries, from the server or from before a restart. */
  ready(): boolean {
    return this.#entries !== undefined && this.#deps.trusts.own() !== undefined
  }

  /** Entries that describe a workload with these selectors, by entry id. */
  matching(selectors: ReadonlySet<string>): AgentEntry[] {
    return this.#entries?.matching(selectors) ?? []
  }

  entries(): Iterable<AgentEntry> {
    return this.#entries?.byId.values() ?? []
  }

  /** Renews what is due, of what is known already. */
  async refresh(): Promise<void> {
    const entries = this.#entries?.byId
    if (!entries) return
    this.#deps.trusts.settle()
    await this.#renew(entries, { entries: false, trust: false })
  }

  /** What changed is kept and told, even where not all could be renewed. */
  async #renew(entries: ReadonlyMap<string, AgentEntry>, changed: { readonly entries: boolean; readonly trust: boolean }): Promise<void> {
    let renewed = false
    try {
      renewed = await this.x509.refresh(entries)
      renewed = (await this.wit.refresh(entries)) || renewed
    } finally {
      this.#keep(entries, changed.entries || renewed)
      if (changed.entries || changed.trust || renewed) this.changes.ring()
    }
  }

  #keep(entries: ReadonlyMap<string, AgentEntry>, changed: boolean): void {
    if (!changed && this.#saved) return
    this.#saved = keepWorkloads(this.#deps.keeping, { entries, svids: this.x509.all(), wits: this.wit.all() })
  }

  /** Asks for everything. `trusted` is called where a bundle changed, before anything else is asked. */
  async synchronise(trusted: () => void): Promise<void> {
    const { link, trustDomain, trusts } = this.#deps
    const own = await link.ask((client, options) => getBundle(client, trustDomain, options))
    const before = this.#entries?.byId ?? new Map<string, AgentEntry>()
    const now = await link.ask((client, options) => syncEntries(client, trustDomain, before, options))
    const trustChanged = trusts.set(own, await this.#federated(now))
    if (trustChanged) trusted()
    const entriesChanged = !this.#entries || !isSame(before, now)
    if (entriesChanged) this.#entries = indexEntries(now)
    await this.#renew(now, { entries: entriesChanged, trust: trustChanged })
  }

  /** What may not be served any longer. */
  forget(): void {
    this.#entries = undefined
    this.x509.forget()
    this.jwt.forget()
    this.wit.forget()
    forgetWorkloads(this.#deps.keeping)
    this.changes.ring()
  }

  async #federated(now: ReadonlyMap<string, AgentEntry>): Promise<Trust[]> {
    const found: Trust[] = []
    for (const name of new Set([...now.values()].flatMap(({ federatesWith }) => federatesWith))) {
      const trust = await this.#deps.link.ask((client, options) => getFederatedBundle(client, name, options))
      if (trust) found.push(trust)
    }
    return found
  }
}

function isSame(before: ReadonlyMap<string, AgentEntry>, now: ReadonlyMap<string, AgentEntry>): boolean {
  return before.size === now.size && [...now.values()].every((entry) => isSameAs(before.get(entry.id), entry))
}

function isSameAs(before: AgentEntry | undefined, entry: AgentEntry): boolean {
  return before !== undefined && isSameRevision(before, entry)
}
