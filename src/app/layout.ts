// Where the composition keeps what belongs to no single room, and what every namespace starts with.
import { type MountSpec, newMount } from '../tenancy/mount-spec.ts'

export const TOKEN_HASH_KEY = 'ns/root/core/token-hash-key'
export const CLUSTER = 'ns/root/core/cluster'

export const FIRST_MOUNTS: readonly MountSpec[] = [
  { path: 'sys', class: 'system', type: 'system', description: 'system endpoints used for control, policy and debugging' },
  { path: 'cubbyhole', class: 'secret', type: 'cubbyhole', description: 'per-token private secret storage', local: true },
  { path: 'auth/token', class: 'auth', type: 'token', description: 'token based credentials' },
]

/** For what is answered before mounts can be read. */
export const SYSTEM_MOUNT = newMount(
  { path: 'sys/', class: 'system', type: 'system' },
  { uuid: '', accessor: '', slice: '', namespace: '', namespaceId: 'root' },
)
