// spiffe/admin/logger: how much the server logs, for administrators who know it by SPIRE's name.
import { choice, maybe } from '../../base/fields.ts'
import { type Path, path } from '../../contract/module.ts'
import { data, empty } from '../../contract/reply.ts'

/** The level of the server's core, now and as configured. */
export interface Loggers {
  level(): { readonly current: string; readonly launch: string }
  /** Of all of the server; without a level, back to that of the configuration. */
  setLevel(level: string | undefined): Promise<void>
}

const input = { level: maybe(choice('How much to log; as configured otherwise.', ['trace', 'debug', 'info', 'warn', 'error'])) }

export function loggerPaths(loggers: Loggers): Path[] {
  return [
    path('logger', 'How much is logged.', {}, (op) => ({
      read: op({ doc: 'Read the level.', run: () => data({ ...loggers.level() }) }),
      write: op({
        doc: 'Set the level.',
        input,
        async run(_, { level }) {
          await loggers.setLevel(level)
          return empty()
        },
      }),
    })),
  ]
}
