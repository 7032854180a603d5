// The systemd attestor: the unit that a process belongs to, by the word of the service manager.
import type { DbusCall } from '../../wire/dbus.ts'
import type { WorkloadAttestor } from './attestor.ts'

/** Asks a service of the system bus; resolves to its first text. Rejects with a DbusError where it refuses. */
export type AskBus = (call: DbusCall) => Promise<string>

export class DbusError extends Error {
  readonly dbusName: string

  constructor(dbusName: string) {
    super(`the service answered ${dbusName}`)
    this.name = 'DbusError'
    this.dbusName = dbusName
  }
}

const SYSTEMD = 'org.freedesktop.systemd1'
const NO_UNIT = `${SYSTEMD}.NoUnitForPID`

export function systemdAttestor(ask: AskBus): WorkloadAttestor {
  const unitOf = (pid: number) =>
    ask({ destination: SYSTEMD, path: '/org/freedesktop/systemd1', interface: `${SYSTEMD}.Manager`, member: 'GetUnitByPID', args: [pid] })
  const property = (path: string, name: string) =>
    ask({ destination: SYSTEMD, path, interface: 'org.freedesktop.DBus.Properties', member: 'Get', args: [`${SYSTEMD}.Unit`, name] })
  return {
    type: 'systemd',
    async attest({ pid }) {
      try {
        const unit = await unitOf(pid)
        const [id, fragment] = await Promise.all([property(unit, 'Id'), property(unit, 'FragmentPath')])
        return [`id:${id}`, ...(fragment === '' ? [] : [`fragment_path:${fragment}`])]
      } catch (error) {
        if (error instanceof DbusError && error.dbusName === NO_UNIT) return []
        throw error
      }
    },
  }
}
