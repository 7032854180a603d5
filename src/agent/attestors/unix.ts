// The unix attestor: user, groups and program of a process.
import type { Accounts, Process } from '../processes.ts'
import type { WorkloadAttestor } from './attestor.ts'

export interface UnixSettings {
  /** Whether the program's path and hash are looked at, which needs the right to see other users' processes. */
  readonly programs: boolean
  /** Bytes of the largest program that is hashed. */
  readonly mostBytes: number
}

export function unixAttestor(accounts: Accounts, { programs, mostBytes }: UnixSettings): WorkloadAttestor {
  return {
    type: 'unix',
    async attest(process) {
      const { uid, gid, groups } = parseStatus(process.read('status').toString())
      const supplementary = await Promise.all(
        groups.map(async (one) => [`supplementary_gid:${one}`, ...named('supplementary_group', await accounts.groupOf(one))]),
      )
      return [
        `uid:${uid}`,
        ...named('user', await accounts.userOf(uid)),
        `gid:${gid}`,
        ...named('group', await accounts.groupOf(gid)),
        ...supplementary.flat(),
        ...(programs ? await programOf(process, mostBytes) : []),
      ]
    },
  }
}

const named = (kind: string, name: string | undefined): string[] => (name === undefined ? [] : [`${kind}:${name}`])

async function programOf(process: Process, mostBytes: number): Promise<string[]> {
  const path = process.programPath()
  const hash = await process.programHash(mostBytes)
  if (hash === undefined) throw new Error(`${path} is larger than workload_size_limit`)
  return [`path:${path}`, `sha256:${hash}`]
}

/** Effective ids: what the process may do now (proc_pid_status(5)). */
export function parseStatus(status: string): { readonly uid: number; readonly gid: number; readonly groups: readonly number[] } {
  const numbers = (name: string): number[] => {
    const line = new RegExp(`^${name}:(.*)$`, 'm').exec(status)?.[1]
    if (line === undefined) throw new Error(`the status of the process has no ${name}`)
    return (line.match(/\d+/g) ?? []).map(Number)
  }
  const [, uid] = numbers('Uid')
  const [, gid] = numbers('Gid')
  if (uid === undefined || gid === undefined) throw new Error('the status of the process has no effective ids')
  return { uid, gid, groups: numbers('Groups') }
}
