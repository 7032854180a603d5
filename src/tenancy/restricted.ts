// Which system paths a namespace has: those about itself. What is about the server as a whole is the root's alone.

/** Refused wherever a namespace header is sent. */
const SERVER = [
  'init',
  'seal',
  'unseal',
  'health',
  'step-down',
  'rekey',
  'rekey-recovery-key',
  'generate-root',
  'generate-recovery-token',
  'raw',
].concat(['storage', 'metrics', 'pprof', 'in-flight-req'])

/** Refused within a namespace, whether this server has them or not. */
const ROOTS = SERVER.concat([
  'audit',
  'audit-hash',
  'config',
  'host-info',
  'internal/counters',
  'internal/inspect',
  'key-status',
  'loggers',
  'monitor',
]).concat(['quotas', 'replication', 'rotate', 'sealwrap'])

/** All that a namespace has. Others that this server has are refused too, so that a new one is the root's until it is named here. */
const OWN = [
  'audit-view',
  'auth',
  'capabilities',
  'capabilities-accessor',
  'capabilities-self',
  'events',
  'internal/specs',
  'internal/ui',
  'leader',
  'leases',
  'locked-users',
].concat([
  'mounts',
  'namespaces',
  'policies',
  'policy',
  'remount',
  'renew',
  'revoke',
  'revoke-force',
  'revoke-prefix',
  'seal-status',
  'tools',
  'whoami',
  'wrapping',
])

/** Of the above, what a namespace with a seal of its own has besides: about its own keys. */
const OF_SEALS = ['key-status', 'rotate', 'rotate/config', 'rotate/keyring', 'rotate/keyring/config', 'rotate/root']
  .concat(['rotate/root/init', 'rotate/root/update', 'rotate/root/verify'])
  .concat(['generate-root-token/attempt', 'generate-root-token/update'])
  .map((path) => `sys/${path}`)

/** `path` is as sent with a header that names a namespace. */
export function refusedWithHeader(path: string): boolean {
  return isOneOf(SERVER, path)
}

/** `path` is the one within a namespace below the root; `served` is whether this server has it, `sealable` whether it has a seal of its own. */
export function refusedInNamespace(path: string, served: boolean, sealable: boolean): boolean {
  if (!path.startsWith('sys/') || (sealable && OF_SEALS.includes(path))) return false
  return isOneOf(ROOTS, path) || (served && !isOneOf(OWN, path))
}

function isOneOf(paths: readonly string[], path: string): boolean {
  if (!path.startsWith('sys/')) return false
  const asked = path.slice('sys/'.length)
  return paths.some((one) => asked.startsWith(one) && (asked.length === one.length || asked[one.length] === '/'))
}
