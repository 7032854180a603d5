// The log: one JSON object or one plain line for each event, on the stream that app/ gives.
import { pino } from 'pino'
import type { Log, Loggable } from '../base/log.ts'
import type { Clock } from '../base/ports.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly level: LogLevel
  readonly clock: Clock
  readonly format: 'json' | 'standard'
  readonly write: (line: string) => void
}

export function openLog({ level, format, clock, write }: LogOptions): Log {
  const stream = { write: format === 'json' ? write : (line: string) => write(plainLine(line)) }
  const names = { timestamp: () => `,"@timestamp":"${new Date(clock.now()).toISOString()}"`, messageKey: '@message', errorKey: 'error' }
  return wrap(pino({ level, base: {}, ...names, formatters: { level: (label) => ({ '@level': label }) } }, stream))
}

type Pino = ReturnType<typeof pino>

function wrap(to: Pino): Log {
  return {
    debug: (message, facts = {}) => to.debug(facts, message),
    info: (message, facts = {}) => to.info(facts, message),
    warn: (message, facts = {}) => to.warn(facts, message),
    error: (message, facts = {}, cause) => to.error(cause === undefined ? facts : { ...facts, error: cause }, message),
    with: (facts: Loggable) => wrap(to.child(facts)),
  }
}

/** `2026-01-02T03:04:05.678Z [INFO]  message: key=value` as people know it from Vault. */
function plainLine(line: string): string {
  const { '@timestamp': at, '@level': level, '@message': message, error, ...facts } = JSON.parse(line)
  const pairs = Object.entries(facts).map(([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  const cause = error ? `\n${error.stack ?? error.message ?? JSON.stringify(error)}` : ''
  return `${at} [${String(level).toUpperCase()}]${level.length === 4 ? '  ' : ' '}${message}${pairs.length > 0 ? ':' : ''}${pairs.join('')}${cause}\n`
}
