// How the unseal key is shared: into how many parts, of how many any will do.
import { Fault } from '../base/fault.ts'
import { SHARE_OVERHEAD } from '../crypto/shamir.ts'
import { KEY_BYTES } from './keyring.ts'

export interface SealConfig {
  readonly type: 'shamir'
  readonly shares: number
  readonly threshold: number
}

/** Throws `invalid` in Vault's wording. */
export function parseSealConfig(shares: number, threshold: number): SealConfig {
  const problem = problemOf(shares, threshold)
  if (problem) throw new Fault('invalid', `invalid seal configuration: ${problem}`)
  return { type: 'shamir', shares, threshold }
}

function problemOf(shares: number, threshold: number): string | undefined {
  if (!(shares >= 1)) return 'shares must be at least one'
  if (!(threshold >= 1)) return 'threshold must be at least one'
  if (shares > 1 && threshold < 2) return 'threshold must be greater than one for multiple shares'
  if (shares > 255) return 'shares must be less than 256'
  if (threshold > 255) return 'threshold must be less than 256'
  if (threshold > shares) return 'threshold cannot be larger than shares'
  return undefined
}

/** Bytes of one share: a sole share is the unseal key itself. */
export function shareBytes(config: SealConfig): number {
  return config.shares === 1 ? KEY_BYTES : KEY_BYTES + SHARE_OVERHEAD
}
