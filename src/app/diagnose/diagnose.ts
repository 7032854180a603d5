// `signet operator diagnose`: every check, judged from one set of facts.
import type { AskServer, Finding } from '../../cli/ports.ts'
import { configChecks } from './config-checks.ts'
import type { Check, Facts } from './facts.ts'
import { fileChecks } from './file-checks.ts'
import { gather } from './gather.ts'
import { processChecks } from './process-checks.ts'
import { serverChecks } from './server-checks.ts'

export const CHECKS: Readonly<Record<string, Check>> = { ...configChecks, ...fileChecks, ...processChecks, ...serverChecks }

export function judge(facts: Facts): Finding[] {
  return Object.entries(CHECKS).map(([check, run]) => ({ check, ...run(facts) }))
}

export async function diagnose(paths: readonly string[], ask: AskServer): Promise<Finding[]> {
  return judge(await gather(paths, ask))
}
