// What a process that holds keys asks of the system: no core dumps, no tracers, no inspector; and what it can only warn of.
import { readFileSync } from 'node:fs'
import inspector from 'node:inspector'
import koffi from 'koffi'
import type { Log } from '../base/log.ts'
import { Failure } from '../cli/failure.ts'

export interface Hardening {
  /** Whether the process may be dumped and traced by its own user; false is what is wanted. */
  readonly dumpable: boolean
  /** Bytes of the largest core file; 0 is what is wanted. */
  readonly coreLimit: number
  readonly warnings: readonly string[]
  /** Reasons not to run at all. */
  readonly refusals: readonly string[]
}

const PR_GET_DUMPABLE = 3
const PR_SET_DUMPABLE = 4
const RLIMIT_CORE = 4

/** Node's options that open the process to others, or write its memory to a file. */
const REVEALING = /^--(?:inspect|heapsnapshot-|heap-prof|cpu-prof|report-on-|report-uncaught-exception|abort-on-uncaught-exception)/

/**
 * Each process calls it for itself, first thing: being dumpable comes back with every exec, while the core limit is inherited.
 * Needs no privileges.
 */
export function harden(): Hardening {
  // With a listener of ours Node doesn't open the inspector on this signal.
  process.on('SIGUSR1', () => {})
  const system = process.platform === 'linux' ? restrict() : { dumpable: true, coreLimit: Number.POSITIVE_INFINITY }
  return {
    ...system,
    warnings: [
      ...(system.dumpable ? ['the process can be traced and dumped by its user'] : []),
      ...(system.coreLimit > 0 ? ['core dumps are not switched off'] : []),
      ...swapWarnings(),
    ],
    refusals: [...refusedOptions(process.execArgv, process.env.NODE_OPTIONS ?? ''), ...(inspector.url() ? ['the inspector is open'] : [])],
  }
}

/** For the process of a server: says what it can only warn of. Throws a Failure where the process may not hold keys at all. */
export function hardenOrRefuse(log: Log): void {
  const { refusals, warnings } = harden()
  if (refusals.length > 0) throw new Failure(1, `this process may not hold keys: ${refusals.join('; ')}`, { hints: [UNSAFE] })
  for (const warning of warnings) log.warn(warning)
}

const UNSAFE = 'start it without those options of Node: they show its memory to others'

function restrict(): Pick<Hardening, 'dumpable' | 'coreLimit'> {
  const libc = koffi.load(null)
  const Limit = koffi.struct({ soft: 'uint64', hard: 'uint64' })
  const prctl = libc.func('prctl', 'int', ['int', 'ulong', 'ulong', 'ulong', 'ulong'])
  const setrlimit = libc.func('setrlimit', 'int', ['int', koffi.pointer(Limit)])
  const getrlimit = libc.func('getrlimit', 'int', ['int', koffi.out(koffi.pointer(Limit))])
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
  setrlimit(RLIMIT_CORE, { soft: 0, hard: 0 })
  const limit = { soft: Number.POSITIVE_INFINITY }
  getrlimit(RLIMIT_CORE, limit)
  return { dumpable: prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) !== 0, coreLimit: Number(limit.soft) }
}

/** The options among the arguments of Node and in NODE_OPTIONS with which no keys may be held. */
export function refusedOptions(execArgv: readonly string[], nodeOptions: string): string[] {
  const inEnvironment = nodeOptions.split(/[\s"]+/)
  return [
    ...execArgv.flatMap(revealing).map((name) => `started with ${name}`),
    ...inEnvironment.flatMap(revealing).map((name) => `NODE_OPTIONS has ${name}`),
  ]
}

/** Its name, if it is one of those; Node takes underscores for dashes. */
function revealing(option: string): string[] {
  const name = (option.split('=', 1)[0] as string).replaceAll('_', '-')
  return REVEALING.test(name) ? [name] : []
}

function swapWarnings(): string[] {
  try {
    return hasSwap(readFileSync('/proc/swaps', 'utf8')) ? ['swap is on: memory that holds secrets may reach the disk'] : []
  } catch {
    return ['whether swap is on is not known']
  }
}

/** Reads /proc/swaps: a header, then a line for each swap area. */
export function hasSwap(swaps: string): boolean {
  return swaps.trim().split('\n').length > 1
}
