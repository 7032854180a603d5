// What opens the barrier, and how the key is shared that people hold: into how many parts, of how many any will do.
import { Fault } from '../base/fault.ts'
import { SHARE_OVERHEAD } from '../crypto/shamir.ts'
import { KEY_BYTES } from './keyring.ts'

export interface Split {
  readonly shares: number
  readonly threshold: number
}

export interface SealConfig extends Split {
  /** `shamir`: the shared key is the unseal key. `auto`: seals open the barrier, and the shared key is for recovery. */
  readonly type: 'shamir' | 'auto'
  /** With `auto`: the recovery key opens the barrier too, for the day on which no seal is left that does. */
  readonly recoveryOpens?: boolean
}

/** Whether the shared key by itself opens the root key. */
export function sharesOpen({ type, recoveryOpens = false }: SealConfig): boolean {
  return type === 'shamir' || recoveryOpens
}

/** Throws `invalid` in Vault's wording. */
export function checkSplit({ shares, threshold }: Split, what: string): void {
  const problem = problemOfSplit({ shares, threshold })
  if (problem) throw new Fault('invalid', `invalid ${what}: ${problem}`)
}

/** Undefined for a split that can be made. */
export function problemOfSplit({ shares, threshold }: Split): string | undefined {
  if (!(shares >= 1)) return 'shares must be at least one'
  if (!(threshold >= 1)) return 'threshold must be at least one'
  if (shares > 1 && threshold < 2) return 'threshold must be greater than one for multiple shares'
  if (shares > 255) return 'shares must be less than 256'
  if (threshold > 255) return 'threshold must be less than 256'
  if (threshold > shares) return 'threshold cannot be larger than shares'
  return undefined
}

/** Bytes of one share: a sole share is the key itself. */
export function shareBytes({ shares }: Split): number {
  return shares === 1 ? KEY_BYTES : KEY_BYTES + SHARE_OVERHEAD
}

/** Anything of another length can't be a share of ours, and mustn't cost those who gave theirs. Throws `invalid`. */
export function checkShareLength(share: Uint8Array, split: Split): void {
  const expected = shareBytes(split)
  if (share.length < expected) throw new Fault('invalid', `invalid key: key is shorter than minimum ${expected} bytes`)
  if (share.length > expected) throw new Fault('invalid', `invalid key: key is longer than maximum ${expected} bytes`)
}
