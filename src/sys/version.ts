// What the server says it is: the Vault release whose API it speaks, and its own version.

/** Clients such as Terraform's provider decide by it what they may ask for. */
export const VAULT_VERSION = '1.21.0'
export const SIGNET_VERSION = '0.1.0'
export const RUNNING_VERSION = `v${SIGNET_VERSION}+builtin.signet`
