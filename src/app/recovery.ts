// Recovery mode over a store: its few paths, and the one token that they are open to.
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { Answer } from '../contract/answer.ts'
import type { Received } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import { openRecoveryLine } from '../pipeline/recovery.ts'
import { barrier } from '../seal/barrier.ts'
import { guarded } from '../seal/guarded.ts'
import { generateRootStep } from '../seal/key-steps.ts'
import type { Keyring } from '../seal/keyring.ts'
import type { Pgp } from '../seal/pgp.ts'
import { Recovery } from '../seal/recovery.ts'
import { Rings } from '../seal/rings.ts'
import type { Sealer } from '../seal/sealer.ts'
import { Usage } from '../seal/usage.ts'
import { guardOf } from '../store/layout.ts'
import type { Key, Store } from '../store/store.ts'
import { type RawDeps, rawPaths } from '../sys/raw.ts'
import { recoveryTokenPaths } from '../sys/rekey.ts'
import { type SealStatus, type StatusDeps, statusPaths } from '../sys/state.ts'
import { byPath, pathById } from '../tenancy/namespace-entries.ts'
import { SYSTEM_TTL } from './config/config.ts'
import { SYSTEM_MOUNT } from './layout.ts'

export interface RecoveryParts {
  /** Below the barrier. */
  readonly store: Store
  /** Sealed, until there is a token. */
  readonly keyring: Keyring
  readonly sealer: Sealer
  readonly ports: { readonly clock: Clock; readonly random: Random }
  readonly pgp: Pgp
  readonly storageType: string
  readonly log: Log
}

/** Answers requests of recovery mode. */
export function openRecovery({ store, keyring, sealer, ports, pgp, storageType, log }: RecoveryParts): (received: Received) => Promise<Answer> {
  const { clock, random } = ports
  const recovery = new Recovery({ sealer, random, pgp, log })
  const inside = openInside(store, keyring, random)
  const module = recoveryModule({
    status: { seal: { status: async () => statusOf(sealer) }, clock, storageType, cluster: () => undefined, audit: () => undefined },
    makeToken: (step) => generateRootStep(recovery, step),
    raw: { store: inside, log },
  })
  const bounds = { defaultTtl: SYSTEM_TTL, maxTtl: SYSTEM_TTL }
  return openRecoveryLine({
    clock,
    random,
    storeOf: () => inside,
    boundsOf: () => bounds,
    module,
    mount: SYSTEM_MOUNT,
    opens: (token) => recovery.opens(token.reveal()),
    log,
  })
}

export interface RecoveryModuleDeps {
  readonly status: StatusDeps
  readonly makeToken: Parameters<typeof recoveryTokenPaths>[0]
  readonly raw: RawDeps
}

/** All that recovery mode serves. */
export function recoveryModule({ status, makeToken, raw }: RecoveryModuleDeps): Module {
  const paths = [...statusPaths(status), ...recoveryTokenPaths(makeToken), ...rawPaths(raw)]
  return { kind: 'system', type: 'system', doc: 'What repairs need.', paths }
}

/** Sealed to all but one, so that nobody sends clients here. */
function statusOf(sealer: Sealer): SealStatus {
  return { ...sealer.status(), sealed: true, progress: 0, nonce: '', recovery_mode: true }
}

/** What namespaces guard by seals of their own stays sealed: it can be listed and deleted, not read or written. */
function openInside(store: Store, keyring: Keyring, random: Random): Store {
  const usage = new Usage(store, keyring, random)
  const inside = barrier(store, keyring, random, (term, count) => usage.take(term, count))
  function sealOf(id: string): string {
    const path = pathById.get(inside, id)
    return path === undefined ? '' : (byPath.get(inside, path)?.seal ?? '')
  }
  return guarded({ store: inside, rings: new Rings(), guardOf: (key: Key) => guardOf(key, sealOf), random })
}
