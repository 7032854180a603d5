// Settings by environment variable: ours first, then those that people have for OpenBao and for Vault.

export const PREFIXES = ['SIGNET_', 'BAO_', 'VAULT_'] as const

export type Environment = Readonly<Record<string, string | undefined>>

/** The value and the full name of the variable that holds it. One that is set but empty counts, and hides the others. */
export function lookup(env: Environment, name: string): { readonly name: string; readonly value: string } | undefined {
  for (const prefix of PREFIXES) {
    const value = env[prefix + name]
    if (value !== undefined) return { name: prefix + name, value }
  }
  return undefined
}
