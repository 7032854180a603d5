// A configuration that was read again while the server runs: what takes effect, and what waits for the next start.
import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config.ts'
import type { ListenerSettings } from './listener.ts'
import type { Effect } from './stanza.ts'

export interface Reloaded {
  readonly config: Config
  /** Keys and stanzas that differ and have no effect yet. */
  readonly waiting: readonly string[]
}

export function reloadConfig(before: Config, after: Config): Reloaded {
  const listeners = before.listeners.map((one, at) => renewed(one, after.listeners[at]))
  const config = { ...before, logLevel: after.logLevel, listeners }
  const waiting = differing(before, after).filter((key) => !takesEffect(key, config, after))
  return { config: { ...config, effect: effectOf(before, after, waiting.includes('listener')) }, waiting }
}

/** With the certificates and the headers that the listener at the same address has now. */
function renewed(before: ListenerSettings, after: ListenerSettings | undefined): ListenerSettings {
  if (after?.address !== before.address) return before
  const { headers: _, ...rest } = before
  const { tls, headers } = after
  return { ...rest, ...(before.tls && tls ? { tls } : {}), ...(headers ? { headers } : {}) }
}

function takesEffect(key: string, config: Config, after: Config): boolean {
  return key === 'log_level' || (key === 'listener' && isDeepStrictEqual(config.listeners, after.listeners))
}

function effectOf({ effect: before }: Config, { effect: after, logLevel }: Config, listenersWait: boolean): Effect {
  const isListener = ({ name }: Effect): boolean => name === 'listener'
  const listeners = (listenersWait ? before : after).within.filter(isListener)
  const others = before.within.filter((one) => !isListener(one))
  return { ...before, values: { ...before.values, log_level: logLevel }, within: [...others, ...listeners] }
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
