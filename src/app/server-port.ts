// The server as sys/ knows it, in a process that serves.
import { hostname } from 'node:os'
import type { MetricObject } from 'prom-client'
import type { LoggerName } from '../base/log.ts'
import type { InFlight, ServerPort } from '../sys/server.ts'
import { allAt, type Levels, type LogLevel, type Logs, parseLevel } from '../telemetry/log.ts'
import { exposition, measurements } from '../telemetry/exposition.ts'
import { toSanitized } from './config/print.ts'
import type { Effect } from './config/stanza.ts'
import { hostInfo } from './host.ts'
import { ports } from './ports.ts'

export interface ServerPortDeps {
  readonly logs: Logs
  /** The configuration as it is now. */
  readonly configuration: () => { readonly effect: Effect; readonly logLevel: LogLevel; readonly storagePath: string | undefined }
  /** Of all processes. */
  readonly snapshots: () => Promise<MetricObject[][]>
  readonly inFlight: () => Promise<readonly InFlight[]>
  /** In all processes. */
  readonly setLevels: (levels: Partial<Levels>) => Promise<void>
}

export function openServerPort({ logs, configuration, snapshots, inFlight, setLevels }: ServerPortDeps): ServerPort {
  return {
    hostname: hostname(),
    configuration: () => toSanitized(configuration().effect),
    exposition: async () => exposition(await snapshots()),
    measurements: async () => measurements(await snapshots(), ports.clock.now()),
    inFlight,
    levels: logs.levels,
    async setLevel(logger, level) {
      const to = level === undefined ? configuration().logLevel : parseLevel(level)
      await setLevels(logger === undefined ? allAt(to) : { [logger as LoggerName]: to })
    },
    host: async () => hostInfo(configuration().storagePath),
  }
}
