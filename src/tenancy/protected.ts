// Paths of the mount table that belong to the server: nobody mounts there, moves from there or unmounts.

const SECRETS = ['audit/', 'auth/', 'sys/', 'cubbyhole/', 'identity/']
const LOGINS = ['auth/token/']

/** Types of which every namespace has one, from the start. */
export const SINGLE_TYPES: readonly string[] = ['cubbyhole', 'identity', 'system', 'token']

/** `path` is that of a mount of the class, with `auth/` before those of auth methods. */
export function isProtected(of: 'secret' | 'auth', path: string): boolean {
  return (of === 'auth' ? LOGINS : SECRETS).some((one) => path.startsWith(one))
}
