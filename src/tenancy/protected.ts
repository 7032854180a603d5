// Paths of the mount table that belong to the server: nobody mounts there, moves from there or unmounts.

const SECRETS = ['audit/', 'auth/', 'sys/', 'cubbyhole/', 'identity/']
const LOGINS = ['auth/token/']

/** `path` is a mount's, with `auth/` before those of auth methods. */
export function isProtected(path: string): boolean {
  const taken = path.startsWith('auth/') && path !== 'auth/' ? LOGINS : SECRETS
  return taken.some((one) => path.startsWith(one))
}
