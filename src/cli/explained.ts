// What an agent tells its operators of a workload.

/** The admin socket of an agent; rejects with a Failure that says what the agent said. */
export interface AgentAdmin {
  explainWorkload(pid: number): Promise<ExplainedWorkload>
  close(): void
}

/** Why a process gets what it gets, as it is shown in JSON. Times are in RFC 3339. */
export interface ExplainedWorkload {
  readonly pid: number
  readonly name: string
  /** Undefined where it has no identity now. */
  readonly agent: { readonly spiffe_id: string; readonly expires_at: string } | undefined
  readonly parents: readonly string[]
  readonly attestors: readonly { readonly type: string; readonly selectors: readonly string[]; readonly problem: string | undefined }[]
  /** Why it gets nothing, whatever was seen. */
  readonly problem: string | undefined
  readonly entries: readonly ExplainedHolding[]
  /** The nearest first, and how many are further away. */
  readonly near: readonly {
    readonly entry: ExplainedEntry
    readonly missing: readonly { readonly selector: string; readonly instead: readonly string[] }[]
    readonly store_svid: boolean
  }[]
  readonly farther: number
}

export interface ExplainedEntry {
  readonly id: string
  readonly spiffe_id: string
  readonly parent_id: string
}

interface Lifetime {
  readonly expires_at: string
  readonly renew_at: string
}

export interface ExplainedHolding extends ExplainedEntry {
  readonly hint: string | undefined
  /** An older entry with the same hint. */
  readonly hidden_by: string | undefined
  readonly x509_svid: Lifetime | undefined
  readonly wit_svid: Lifetime | undefined
  readonly jwt_svids: readonly (Lifetime & { readonly audience: readonly string[] })[]
}
