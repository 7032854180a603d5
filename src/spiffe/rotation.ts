// Authorities in time: first ones, successors that are published well before they sign, and the end of what expired.
import type { Log } from '../base/log.ts'
import type { Clock } from '../base/ports.ts'
import type { Bundle, TokenAuthority } from '../crypto/bundle.ts'
import * as authoritySet from './authority-set.ts'
import type { AuthoritySet, Guest, Guests, Kind } from './authority-set.ts'
import type { SettingsRoom } from './settings.ts'
import type { Upstream } from './upstream.ts'

export interface RotationDeps {
  readonly clock: Clock
  readonly log: Log
  readonly settings: SettingsRoom
  readonly upstream?: Upstream | undefined
  readonly current: () => AuthoritySet
  readonly prepare: (kind: Kind) => Promise<unknown>
  readonly change: (step: (set: AuthoritySet) => AuthoritySet) => Promise<unknown>
}

/** Does what is due. Unless it `waits`, an upstream authority is asked meanwhile, and again later where it failed. */
export function openRotation(deps: RotationDeps): (waits?: boolean) => Promise<void> {
  const { clock, settings, upstream, current, prepare, change } = deps
  const due = (kind: Kind) => authoritySet.dueFor(current(), kind, clock.now())
  const later = {
    x509: openErrand(deps, 'a new X.509 authority could not be had', () => prepare('x509')),
    jwt: openErrand(deps, 'a new JWT authority could not be published', () => prepare('jwt')),
    wit: openErrand(deps, 'a new WIT authority could not be published', () => prepare('wit')),
    above: openErrand(deps, 'the bundle of the upstream authority could not be had', () => follow(deps), FOLLOW),
  }

  return async (waits = true) => {
    const { witSvids } = settings.get() ?? {}
    if (witSvids === undefined) return
    if (!witSvids) await change(authoritySet.withoutWit)
    for (const kind of authoritySet.KINDS) {
      if (kind === 'wit' && !witSvids) continue
      if (due(kind) === 'prepare') {
        if (waits || !(kind === 'x509' ? upstream : upstream?.server)) await prepare(kind)
        else later[kind].begin()
      }
      const prepared = authoritySet.preparedOf(current(), kind)
      if (prepared && due(kind) === 'activate') await activate(deps, kind, prepared.id)
    }
    await change((set) => authoritySet.pruned(set, clock.now()))
    if (waits) await follow(deps)
    else if (upstream?.server) later.above.begin()
  }
}

/** Unless another process did: the leader rotates, and so does whoever changes the settings. */
async function activate({ change }: RotationDeps, kind: Kind, id: string): Promise<void> {
  await change((set) => (authoritySet.preparedOf(set, kind)?.id === id ? authoritySet.withActivated(set, kind, id) : set))
}

/** A server above has a bundle that is ours too; where it tainted what signed our authority, another takes its place at once. */
async function follow(deps: RotationDeps): Promise<void> {
  const { settings, upstream, current, prepare, change } = deps
  if (!upstream?.server) return
  const { trustDomain, witSvids } = settings.need()
  const { bundle, tainted } = await upstream.server.bundle(trustDomain)
  const above = guestsIn(witSvids ? bundle : { ...bundle, witAuthorities: [] }, tainted)
  if (tainted.has(authoritySet.activeOf(current(), 'x509')?.root ?? '')) {
    await prepare('x509')
    const next = authoritySet.preparedOf(current(), 'x509')
    if (next && !tainted.has(next.root ?? '')) await activate(deps, 'x509', next.id)
  }
  await change((set) => authoritySet.withAbove(set, above))
}

/** In an order of their own, so that the same bundle is the same however it is told. */
function guestsIn({ x509Authorities, jwtAuthorities, witAuthorities }: Bundle, tainted: ReadonlySet<string>): Guests {
  const byId = (a: Guest, b: Guest) => (a.id < b.id ? -1 : 1)
  const guest = (id: string, publicKey: string, expiresAt: number): Guest => ({
    id,
    publicKey,
    expiresAt,
    ...(tainted.has(id) ? { tainted: true } : {}),
  })
  const keys = (authorities: readonly TokenAuthority[]) =>
    authorities.map(({ keyId, publicKey, expiresAt = 0 }) => guest(keyId, publicKey.toString('base64'), expiresAt)).sort(byId)
  const x509 = x509Authorities.map((der) => guest(der.toString('base64'), '', 0)).sort(byId)
  return { x509, jwt: keys(jwtAuthorities), wit: keys(witAuthorities) }
}

/** As often as agents ask. */
const FOLLOW = 5_000
const MINUTE = 60_000
const PATIENCE = 30 * MINUTE

/** One at a time, not before `interval` milliseconds are over, and less and less often while it fails. */
function openErrand({ clock, log }: RotationDeps, problem: string, run: () => Promise<unknown>, interval = 0): { begin(): void } {
  let busy = false
  let failures = 0
  let notBefore = 0
  async function go(): Promise<void> {
    busy = true
    try {
      await run()
      failures = 0
      notBefore = clock.now() + interval
    } catch (error) {
      failures++
      notBefore = clock.now() + Math.min((interval || MINUTE) * 2 ** Math.min(failures - 1, 10), PATIENCE)
      log.error(problem, { reason: error instanceof Error ? error.message : String(error) })
    } finally {
      busy = false
    }
  }
  return {
    begin() {
      if (!busy && clock.now() >= notBefore) void go()
    },
  }
}
