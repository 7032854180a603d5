// What a room may log and measure: types only; telemetry/ gives them a body.

/** Values that are safe to log. Never a request body, token or key. */
export type Loggable = Record<string, string | number | boolean | null | undefined>

/** The parts of the server whose level can be set apart. */
export const LOGGERS = ['core', 'audit', 'edge', 'store'] as const
export type LoggerName = (typeof LOGGERS)[number]

export interface Log {
  debug(message: string, facts?: Loggable): void
  info(message: string, facts?: Loggable): void
  warn(message: string, facts?: Loggable): void
  /** `cause` is logged whole, with its stack. */
  error(message: string, facts?: Loggable, cause?: unknown): void
  /** A log whose every line carries these facts. */
  with(facts: Loggable): Log
  /** The log of another part of the server. */
  named(name: LoggerName): Log
}

export const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, with: () => silent, named: () => silent }
