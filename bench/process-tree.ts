// CPU time and memory of a process and all its descendants, from Linux's /proc.
import { readdirSync, readFileSync } from 'node:fs'

/** Linux reports process times in hundredths of a second on every common architecture (sysconf(_SC_CLK_TCK)). */
const TICKS_PER_SECOND = 100

export interface Usage {
  /** User and system time, of children that ended included. */
  readonly cpuSeconds: number
  /** Sum of resident sets: a page that several processes share counts once for each. */
  readonly rssBytes: number
  /** Sum of proportional sets: a shared page counts once in all. Undefined without the right to read it. */
  readonly pssBytes: number | undefined
}

interface Process {
  readonly pid: number
  readonly parent: number
  readonly cpuTicks: number
}

/** Undefined when there is no such process. */
export function usageOf(pid: number): Usage | undefined {
  const tree = treeUnder(pid)
  if (tree.length === 0) return undefined
  const proportional = tree.map(({ pid }) => kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss'))
  return {
    cpuSeconds: sum(tree.map(({ cpuTicks }) => cpuTicks)) / TICKS_PER_SECOND,
    rssBytes: sum(tree.map(({ pid }) => kilobytes(`/proc/${pid}/status`, 'VmRSS') ?? 0)) * 1024,
    pssBytes: proportional.includes(undefined) ? undefined : sum(proportional.map((size) => size ?? 0)) * 1024,
  }
}

function treeUnder(pid: number): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((process) => process !== undefined)
  const tree = all.filter((process) => process.pid === pid)
  for (let at = 0; at < tree.length; at++) tree.push(...all.filter(({ parent }) => parent === tree[at]?.pid))
  return tree
}

function readProcess(pid: number): Process | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The command's name stands in parentheses and may hold anything; what follows it is numbered from 3 in proc(5).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number)
  return { pid, parent: Number(fields[1]), cpuTicks: (user ?? 0) + (system ?? 0) + (endedUser ?? 0) + (endedSystem ?? 0) }
}

function kilobytes(path: string, label: string): number | undefined {
  const line = new RegExp(`^${label}:\\s+(\\d+) kB`, 'm').exec(readText(path) ?? '')
  return line === null ? undefined : Number(line[1])
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // ended meanwhile, or not ours to read
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
