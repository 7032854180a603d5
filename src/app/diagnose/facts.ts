// What a diagnosis is made of: facts about files, processes, the machine and the running server, gathered before anything is judged.
import type { JsonObject } from '../../base/json.ts'
import type { Finding } from '../../cli/ports.ts'
import type { Config } from '../config/config.ts'

export interface Facts {
  /** Undefined where the files are wrong; `problem` says how. */
  readonly config: Config | undefined
  readonly configProblem: string | undefined
  /** Files that the configuration was gathered from. */
  readonly sources: readonly string[]
  readonly files: readonly FileFact[]
  /** Those of the listeners that can be read. */
  readonly certificates: readonly CertificateFact[]
  /** The server that runs on the storage, else this process. */
  readonly process: ProcessFact
  readonly machine: MachineFact
  readonly versions: { readonly signet: string; readonly node: string }
  /** Undefined where no server was asked, or none answered. */
  readonly server: ServerFact | undefined
}

export type FileKind = 'program' | 'config' | 'storage' | 'key' | 'audit'

export interface FileFact {
  readonly kind: FileKind
  readonly path: string
  /** Why nothing is known of it. */
  readonly problem?: string
  readonly folder?: boolean
  readonly mode?: number
  readonly uid?: number
  readonly gid?: number
}

export interface CertificateFact {
  readonly path: string
  /** Whole days until it ends; negative once it has. */
  readonly daysLeft: number
  /** Where it is an RSA key. */
  readonly rsaBits?: number | undefined
}

export interface ProcessFact {
  readonly running: boolean
  readonly uid: number
  readonly gids: readonly number[]
  /** Undefined where the system does not say. */
  readonly noNewPrivileges: boolean | undefined
  /** As a bit mask; 0 is empty. */
  readonly capabilityBounds: bigint | undefined
  /** Bytes. */
  readonly coreLimit: number | undefined
  readonly openFiles: number | undefined
  readonly lockedBytes: number | undefined
  readonly lockLimit: number | undefined
  /** Whether its own user may trace it; undefined where it runs as root, or not at all. */
  readonly traceable: boolean | undefined
  /** Options of Node that come from the environment. */
  readonly nodeOptions: string
}

export interface MachineFact {
  readonly swaps: readonly { readonly name: string; readonly encrypted: boolean }[]
  readonly disks: readonly { readonly what: string; readonly path: string; readonly total: number; readonly free: number }[]
}

/** What a running server said; a part is undefined where the token may not ask. */
export interface ServerFact {
  /** Seconds that its clock is ahead of ours, as far as a second tells. */
  readonly ahead: number | undefined
  /** Devices by path. */
  readonly audit: JsonObject | undefined
  readonly rootTokens: readonly { readonly accessor: string; readonly ageSeconds: number }[] | undefined
  /** Auth mounts by path, as sys/auth shows them. */
  readonly auth: JsonObject | undefined
  /** Rekeys and makings of root tokens that were begun and not ended, by the path that tells of them. */
  readonly begun: readonly string[]
  /** Seals that open the server; none where key shares do. */
  readonly seals: {
    readonly names: readonly string[]
    /** Those that did not work when they were last tried. */
    readonly away: readonly string[]
    /** Each could open the server. */
    readonly fullyWrapped: boolean
  }
}

export type Verdict = Omit<Finding, 'check'>

/** A check judges facts and has no effects. */
export type Check = (facts: Facts) => Verdict

export const ok = (detail: string): Verdict => ({ status: 'ok', detail })
export const warn = (detail: string, hint: string): Verdict => ({ status: 'warn', detail, hint })
export const fail = (detail: string, hint: string): Verdict => ({ status: 'fail', detail, hint })
export const unknown = (detail: string, hint?: string): Verdict => ({ status: 'unknown', detail, ...(hint === undefined ? {} : { hint }) })
