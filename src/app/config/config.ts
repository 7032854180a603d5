// The server's configuration: HCL or JSON from any number of files, read by one table a stanza into one frozen shape.
import type { LockoutSettings } from '../../auth/lockout-rule.ts'
import { choice, int, maybe, or, seconds } from '../../base/fields.ts'
import type { SealStanza } from '../seals.ts'
import { LOG_LEVELS, type LogLevel } from '../../telemetry/log.ts'
import type { AuditSettings } from '../audit.ts'
import { AUDIT_KEYS, parseAudit } from './audit.ts'
import { FOREIGN_TELEMETRY, FOREIGN_TOP } from './foreign.ts'
import { type ListenerSettings, parseListeners } from './listener.ts'
import { type Effect, readStanza, refuse, type Source, type Stanza, wholeOf } from './stanza.ts'
import { parseSeals } from './seal.ts'
import { parseSpiffe, type SpiffeConfig } from './spiffe.ts'
import { parseStorage } from './storage.ts'
import { parseLockouts } from './user-lockout.ts'

export interface Config {
  readonly listeners: readonly ListenerSettings[]
  readonly storagePath: string
  /** Worker processes; undefined for one a core. */
  readonly workers: number | undefined
  readonly logLevel: LogLevel
  readonly logFormat: 'standard' | 'json'
  /** Seconds. */
  readonly defaultLeaseTtl: number
  readonly maxLeaseTtl: number
  readonly lockout: LockoutSettings
  /** How the trust domain is served to agents and others; undefined for not at all. */
  readonly spiffe: SpiffeConfig | undefined
  readonly audit: AuditSettings
  /** What is in effect, as it may be shown. */
  readonly effect: Effect
}

/** Seconds: 768 hours, as Vault has it. */
export const SYSTEM_TTL = 2_764_800

const MAX_WORKERS = 256

const KEYS = {
  log_level: or(choice('How much to log.', LOG_LEVELS), 'info'),
  log_format: or(choice('How to log.', ['standard', 'json']), 'standard'),
  default_lease_ttl: or(seconds('How long tokens live where nothing else is said.'), SYSTEM_TTL),
  max_lease_ttl: or(seconds('How long they can live at most.'), SYSTEM_TTL),
  workers: maybe(int('Worker processes; one for each core otherwise.')),
  ...AUDIT_KEYS,
}

export const TOP = {
  keys: KEYS,
  /** Each with how many labels it has. */
  blocks: { audit: 2, listener: 1, seal: 1, spiffe: 0, storage: 1, telemetry: 0, user_lockout: 1 },
  foreign: FOREIGN_TOP,
} as const satisfies Stanza<typeof KEYS, string>

/** Says nothing that is needed here; its keys are known so that each gets an answer. */
export const TELEMETRY = { keys: {}, foreign: FOREIGN_TELEMETRY }

export interface Parsed {
  readonly config: Config
  /** Not in `config`: their tokens and PINs are not for every process. */
  readonly seals: readonly SealStanza[]
  /** Keys that were accepted and have no effect, and why. */
  readonly notes: readonly string[]
}

/** Throws `invalid` with file, line and column of what is wrong. */
export function parseConfig(sources: readonly Source[]): Parsed {
  const notes: string[] = []
  const whole = wholeOf(sources, (text) => void notes.push(text))
  const { values, blocks } = readStanza(whole, TOP)
  for (const block of blocks.telemetry) readStanza(block, TELEMETRY)
  const { default_lease_ttl: defaultLeaseTtl, max_lease_ttl: maxLeaseTtl, workers } = values
  if (defaultLeaseTtl > maxLeaseTtl) throw refuse(whole, 'default_lease_ttl is longer than max_lease_ttl')
  if (workers !== undefined && (workers < 1 || workers > MAX_WORKERS)) throw refuse(whole, `workers must be from 1 to ${MAX_WORKERS}`)
  const config = Object.freeze({
    listeners: parseListeners(whole, blocks.listener),
    storagePath: parseStorage(whole, blocks.storage),
    workers,
    logLevel: values.log_level,
    logFormat: values.log_format,
    defaultLeaseTtl,
    maxLeaseTtl,
    spiffe: parseSpiffe(blocks.spiffe),
    lockout: { byType: parseLockouts(blocks.user_lockout) },
    audit: parseAudit(whole, blocks.audit, values),
    effect: whole.effect,
  })
  return { config, seals: parseSeals(blocks.seal), notes }
}
