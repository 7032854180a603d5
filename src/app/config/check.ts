// A configuration read from disk, for a server that starts and for `signet config check`.
import { Fault } from '../../base/fault.ts'
import { Failure } from '../../cli/failure.ts'
import type { CheckedConfig } from '../../cli/ports.ts'
import { parseConfig, type Parsed } from './config.ts'
import { printHcl, toSanitized } from './print.ts'
import { readSources } from './read.ts'

/** Throws a Failure that says where it is wrong. */
export function readConfig(paths: readonly string[]): Parsed & { readonly files: readonly string[] } {
  try {
    const sources = readSources(paths)
    return { ...parseConfig(sources), files: sources.map(({ file }) => file) }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Failure(1, error.message, { hints: ['the keys of a configuration are in docs/guide/production.md'] })
  }
}

export function checkConfig(paths: readonly string[]): CheckedConfig {
  const { config, notes } = readConfig(paths)
  return { notes, hcl: printHcl(config.effect), json: toSanitized(config.effect) }
}
