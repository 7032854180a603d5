// A configuration that was read again while the server runs: what takes effect, and what waits for the next start.
import type { Config } from './config.ts'
import type { ListenerSettings } from './listener.ts'
import type { Effect } from './stanza.ts'

export interface Reloaded {
  readonly config: Config
  /** Keys and stanzas that differ and have no effect yet. */
  readonly waiting: readonly string[]
}

export function reloadConfig(before: Config, after: Config): Reloaded {
  const listeners = before.listeners.map((one, at) => withFiles(one, after.listeners[at]))
  const config = { ...before, logLevel: after.logLevel, listeners }
  return { config, waiting: differing(before, after).filter((key) => !takesEffect(key, config, after)) }
}

/** The certificates of the listener at the same address, from where they are now. */
function withFiles(before: ListenerSettings, after: ListenerSettings | undefined): ListenerSettings {
  return before.tls && after?.tls && after.address === before.address ? { ...before, tls: after.tls } : before
}

function takesEffect(key: string, config: Config, after: Config): boolean {
  return key === 'log_level' || (key === 'listener' && JSON.stringify(config.listeners) === JSON.stringify(after.listeners))
}

function differing({ effect: before }: Config, { effect: after }: Config): string[] {
  const keys = new Set([...Object.keys(before.values), ...Object.keys(after.values)])
  const stanzas = new Set([...before.within, ...after.within].map(({ name }) => name))
  const valueOf = ({ values }: Effect, key: string) => JSON.stringify(values[key])
  const blocksOf = ({ within }: Effect, name: string) => JSON.stringify(within.filter((one) => one.name === name))
  return [
    ...[...keys].filter((key) => valueOf(before, key) !== valueOf(after, key)),
    ...[...stanzas].filter((name) => blocksOf(before, name) !== blocksOf(after, name)),
  ]
}
