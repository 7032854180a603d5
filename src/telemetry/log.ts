// The log: one JSON object or one plain line for each event, on the stream that app/ gives, with a level for each part of the server.
import { type Logger, pino } from 'pino'
import { Fault } from '../base/fault.ts'
import { type Log, type Loggable, type LoggerName, LOGGERS } from '../base/log.ts'
import type { Clock } from '../base/ports.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LogOptions {
  readonly level: LogLevel
  readonly clock: Clock
  readonly format: 'json' | 'standard'
  readonly write: (line: string) => void
}

export type Levels = Readonly<Record<LoggerName, LogLevel>>

export interface Logs {
  /** That of the core. */
  readonly log: Log
  levels(): Levels
  /** Of every logger that is named. */
  setLevels(levels: Partial<Levels>): void
}

export function openLogs({ level, format, clock, write }: LogOptions): Logs {
  const stream = { write: format === 'json' ? write : (line: string) => write(plainLine(line)) }
  const names = { timestamp: () => `,"@timestamp":"${new Date(clock.now()).toISOString()}"`, messageKey: '@message', errorKey: 'error' }
  const root = pino({ level: 'trace', base: {}, ...names, formatters: { level: (label) => ({ '@level': label }) } }, stream)
  const all = new Map(LOGGERS.map((name) => [name, root.child({ '@module': name }, { level })]))
  const named = (name: LoggerName): Log => wrap(all.get(name) as Pino, named)
  return {
    log: named('core'),
    levels: () => Object.fromEntries([...all].map(([name, to]) => [name, to.level])) as Levels,
    setLevels(levels) {
      for (const [name, to] of all) to.level = levels[name] ?? to.level
    },
  }
}

/** One level for every logger. */
export function allAt(level: LogLevel): Levels {
  return Object.fromEntries(LOGGERS.map((name) => [name, level])) as Levels
}

/** Throws `invalid` in Vault's words; its other names for levels are taken too. */
export function parseLevel(text: string): LogLevel {
  const name = text.trim().toLowerCase()
  const found = LOG_LEVELS.find((level) => level === ({ err: 'error', warning: 'warn', notice: 'info' }[name] ?? name))
  if (found === undefined) throw new Fault('invalid', `invalid level provided: unknown log level: ${name}`)
  return found
}

type Pino = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

function wrap(to: Pino, named: (name: LoggerName) => Log, bound: Loggable = {}): Log {
  return {
    debug: (message, facts) => to.debug({ ...bound, ...facts }, message),
    info: (message, facts) => to.info({ ...bound, ...facts }, message),
    warn: (message, facts) => to.warn({ ...bound, ...facts }, message),
    error: (message, facts, cause) => to.error({ ...bound, ...facts, ...(cause === undefined ? {} : { error: cause }) }, message),
    with: (facts) => wrap(to, named, { ...bound, ...facts }), // no child of pino's, whose level would stay as it is now
    named,
  }
}

/** `2026-01-02T03:04:05.678Z [INFO]  core: message: key=value` as people know it from Vault. */
function plainLine(line: string): string {
  const { '@timestamp': at, '@level': level, '@message': message, '@module': module, error, ...facts } = JSON.parse(line)
  const pairs = Object.entries(facts).map(([key, value]) => ` ${key}=${typeof value === 'string' ? JSON.stringify(value) : value}`)
  const cause = error ? `\n${error.stack ?? error.message ?? JSON.stringify(error)}` : ''
  const label = `${at} [${String(level).toUpperCase()}]${level.length === 4 ? '  ' : ' '}${module}: `
  return `${label}${message}${pairs.length > 0 ? ':' : ''}${pairs.join('')}${cause}\n`
}
