// What can change while the server runs: log levels, and what of the configuration is read again.
import { fileProblem } from '../cli/failure.ts'
import type { Levels, Logs } from '../telemetry/log.ts'
import { allAt } from '../telemetry/log.ts'
import type { Config } from './config/config.ts'
import { reloadConfig } from './config/reload.ts'
import type { Members } from './members.ts'

/** What a worker is told of it. */
export interface Settings {
  readonly config: Config
  readonly levels: Levels
}

export interface Running {
  settings(): Settings
  /** In every process. */
  setLevels(levels: Partial<Levels>): Promise<void>
  /** Reads the configuration again; where that is wrong, all stays as it is, with a log line. */
  reload(): Promise<void>
}

export interface RunningDeps {
  readonly config: Config
  readonly reread: () => Config
  readonly logs: Logs
  readonly members: Pick<Members, 'tell'>
  /** For workers that are started from now on. */
  readonly changed: (config: Config) => void
}

export function openRunning({ config, reread, logs, members, changed }: RunningDeps): Running {
  const { log } = logs
  let current = config

  const settings = (): Settings => ({ config: current, levels: logs.levels() })

  async function tell(): Promise<void> {
    changed(current)
    await members.tell('reload', settings())
  }

  return {
    settings,
    async setLevels(levels) {
      logs.setLevels(levels)
      await members.tell('levels', logs.levels())
    },
    async reload() {
      const next = attempt()
      if (next) {
        const { config: reloaded, waiting } = reloadConfig(current, next)
        current = reloaded
        logs.setLevels(allAt(current.logLevel))
        for (const key of waiting) log.warn('a change of the configuration waits for the next start', { key })
      }
      await tell()
      log.info('reloaded')
    },
  }

  function attempt(): Config | undefined {
    try {
      return reread()
    } catch (error) {
      log.error('the configuration is wrong; what was in effect stays', { reason: fileProblem(error) })
      return undefined
    }
  }
}
