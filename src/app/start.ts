// `signet server`: reads the configuration, or none for a development server, and runs until it is told to stop.
import { Fault } from '../base/fault.ts'
import { bool } from '../base/fields.ts'
import { type Environment, lookup } from '../cli/environment.ts'
import { Failure } from '../cli/failure.ts'
import type { CliPorts, DevOptions, ServerOptions } from '../cli/ports.ts'
import { storeToken } from '../cli/token-file.ts'
import { openLogs } from '../telemetry/log.ts'
import type { Config } from './config/config.ts'
import { readConfig } from './config/check.ts'
import { type Dev, openDev } from './dev.ts'
import type { DevAgent } from './dev-agent.ts'
import { checkModes } from './file-modes.ts'
import { ports } from './ports.ts'
import { recover } from './recover.ts'
import { untilStopped } from './signals.ts'
import { supervise } from './supervisor.ts'

type Writing = Pick<CliPorts, 'stdout' | 'stderr' | 'files' | 'home'>

/** Resolves to the exit code. Throws a Failure for what keeps the server from starting. */
export async function startServer(options: ServerOptions, out: Writing): Promise<number> {
  process.umask(0o077)
  return options.dev ? runDev(options, options.dev, out) : runServer(options)
}

async function runServer(options: ServerOptions): Promise<number> {
  const { config, seals, notes } = readConfig(options.config)
  const effective = withOverrides(config, options)
  const logs = logsAt(effective.logLevel, effective.logFormat)
  const { refusals, warnings } = checkModes(effective, options.config)
  for (const note of [...notes, ...warnings]) logs.log.warn(note)
  if (refusals.length > 0) throw new Failure(1, refusals.map(({ text }) => text).join('; '), { hints: refusals.map(({ remedy }) => remedy) })
  const run = options.recovery ? recover : supervise
  return run({ config: effective, seals, logs, reread: () => withOverrides(readConfig(options.config).config, options) })
}

function withOverrides(config: Config, { logLevel, logFormat }: ServerOptions): Config {
  return {
    ...config,
    lockout: { ...config.lockout, disabled: disabledLockout(process.env) },
    ...(logLevel === undefined ? {} : { logLevel: logLevel as Config['logLevel'] }),
    ...(logFormat === undefined ? {} : { logFormat: logFormat as Config['logFormat'] }),
  }
}

/** The variable that people know from Vault overrides what the configuration and the mounts say. */
function disabledLockout(env: Environment): boolean | undefined {
  const found = lookup(env, 'DISABLE_USER_LOCKOUT')
  if (!found || found.value === '') return undefined
  try {
    return bool('').parse(found.value)
  } catch (error) {
    if (error instanceof Fault) throw new Failure(1, `${found.name} must be true or false`)
    throw error
  }
}

function logsAt(level: Config['logLevel'], format: Config['logFormat']) {
  return openLogs({ level, format, clock: ports.clock, write: (line) => process.stderr.write(line) })
}

async function runDev(options: ServerOptions, dev: DevOptions, out: Writing): Promise<number> {
  const logs = logsAt((options.logLevel ?? 'info') as Config['logLevel'], (options.logFormat ?? 'standard') as Config['logFormat'])
  const running = await openDev(dev, logs)
  if (!dev.noStoreToken) await storeToken(out.files, out.home, running.rootToken)
  out.stdout.write(banner(running))
  await untilStopped(() => running.serving.reload())
  await running.close()
  return 0
}

function banner({ address, rootToken, unsealKey, agent }: Dev): string {
  return `==> Signet development server

WARNING! dev mode is enabled! Everything is kept in memory and lost at the end; the server
starts unsealed with a single key. Never use it for secrets that matter.

You may need to set the following environment variables:

    $ export VAULT_ADDR='${address}'
    $ export VAULT_TOKEN='${rootToken}'

The unseal key and root token are displayed below in case you want to seal/unseal the server
or log in again.

Unseal Key: ${unsealKey}
Root Token: ${rootToken}

From another shell:

    $ signet kv put secret/hello who=world
    $ signet kv get secret/hello
${agent ? agentLines(agent) : ''}
Development mode should NOT be used in production installations!

==> Signet server started!
`
}

function agentLines({ socketPath, adminSocketPath, node }: DevAgent): string {
  const id = node.replace(/node$/, 'me')
  return `
An agent serves the workloads of this user:

    $ export SPIFFE_ENDPOINT_SOCKET='unix://${socketPath}'
    $ export SIGNET_AGENT_ADMIN_SOCKET='${adminSocketPath}'
    $ signet write spiffe/entries spiffe_id=${id} parent_id=${node} selectors=unix:uid:${process.getuid?.()}
    $ signet agent api fetch x509
    $ signet explain workload -pid=$$
`
}
