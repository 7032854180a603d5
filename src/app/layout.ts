// Where the composition keeps what belongs to no single room, and what every namespace starts with.
import type { MountSpec } from '../tenancy/mount-spec.ts'

export const TOKEN_HASH_KEY = 'ns/root/core/token-hash-key'
export const CLUSTER = 'ns/root/core/cluster'

export const FIRST_MOUNTS: readonly MountSpec[] = [
  { path: 'sys', class: 'system', type: 'system', description: 'system endpoints used for control, policy and debugging' },
  { path: 'cubbyhole', class: 'secret', type: 'cubbyhole', description: 'per-token private secret storage', local: true },
  { path: 'auth/token', class: 'auth', type: 'token', description: 'token based credentials' },
]
