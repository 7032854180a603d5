// The table of commands. A command's code is loaded when it is run, so that starting stays cheap.
import type { Node } from './command.ts'

export const ROOT: Readonly<Record<string, () => Promise<Node>>> = {
  agent: async () => (await import('./commands/agent.ts')).agent,
  audit: async () => (await import('./commands/audit.ts')).audit,
  auth: async () => (await import('./commands/auth.ts')).auth,
  bundle: async () => (await import('./commands/bundle.ts')).bundle,
  completion: async () => (await import('./commands/completion.ts')).completion,
  config: async () => (await import('./commands/config.ts')).config,
  debug: async () => (await import('./commands/debug.ts')).debug,
  delete: async () => (await import('./commands/delete.ts')).remove,
  dev: async () => (await import('./commands/server.ts')).dev,
  entry: async () => (await import('./commands/entry.ts')).entry,
  events: async () => (await import('./commands/events.ts')).events,
  explain: async () => (await import('./commands/explain.ts')).explain,
  federation: async () => (await import('./commands/federation.ts')).federation,
  jwt: async () => (await import('./commands/jwt.ts')).jwt,
  kv: async () => (await import('./commands/kv.ts')).kv,
  lease: async () => (await import('./commands/lease.ts')).lease,
  list: async () => (await import('./commands/list.ts')).list,
  localauthority: async () => (await import('./commands/localauthority.ts')).localauthority,
  login: async () => (await import('./commands/login.ts')).login,
  namespace: async () => (await import('./commands/namespace.ts')).namespace,
  operator: async () => (await import('./commands/operator.ts')).operator,
  patch: async () => (await import('./commands/write.ts')).patch,
  'path-help': async () => (await import('./commands/path-help.ts')).pathHelp,
  plugin: async () => (await import('./commands/plugin.ts')).plugin,
  policy: async () => (await import('./commands/policy.ts')).policy,
  print: async () => (await import('./commands/print.ts')).print,
  read: async () => (await import('./commands/read.ts')).read,
  scan: async () => (await import('./commands/list.ts')).scan,
  secrets: async () => (await import('./commands/secrets.ts')).secrets,
  server: async () => (await import('./commands/server.ts')).server,
  status: async () => (await import('./commands/status.ts')).status,
  svid: async () => (await import('./commands/svid.ts')).svid,
  token: async () => (await import('./commands/token.ts')).token,
  unwrap: async () => (await import('./commands/unwrap.ts')).unwrap,
  version: async () => (await import('./commands/version.ts')).version,
  'version-history': async () => (await import('./commands/version-history.ts')).versionHistory,
  whoami: async () => (await import('./commands/whoami.ts')).whoami,
  wit: async () => (await import('./commands/wit.ts')).wit,
  write: async () => (await import('./commands/write.ts')).write,
  x509: async () => (await import('./commands/x509.ts')).x509,
}

/** Every command, for help and completion. */
export async function loadAll(): Promise<Readonly<Record<string, Node>>> {
  const loaded = await Promise.all(Object.entries(ROOT).map(async ([name, load]) => [name, await load()] as const))
  return Object.fromEntries(loaded)
}
