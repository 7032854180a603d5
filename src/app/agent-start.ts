// `signet agent`: reads the configuration and runs until it is told to stop, or the server has no more use for this agent.
import { Fault } from '../base/fault.ts'
import { Failure } from '../cli/failure.ts'
import type { AgentOptions } from '../cli/ports.ts'
import { parseBundle } from '../crypto/bundle.ts'
import { fromPem } from '../crypto/certificate.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import { SIGNET_VERSION } from '../sys/version.ts'
import { openLogs } from '../telemetry/log.ts'
import { runAgent } from './agent.ts'
import { nodeAttestation, workloadAttestor } from './agent-attestors.ts'
import { openDrawer, readOrMakeKey } from './agent-drawer.ts'
import { readText } from './agent-files.ts'
import { type AgentConfig, parseAgentConfig } from './config/agent.ts'
import { readSources } from './config/read.ts'
import { harden } from './hardening.ts'
import { endOnBugs } from './last-words.ts'
import { ports } from './ports.ts'
import { untilStopped } from './signals.ts'

/** Resolves to the exit code. Throws a Failure for what keeps the agent from starting. */
export async function startAgentProcess(options: AgentOptions): Promise<number> {
  process.umask(0o077)
  const { refusals, warnings } = harden()
  if (refusals.length > 0) throw new Failure(1, `this process may not hold keys: ${refusals.join('; ')}`)
  const notes: string[] = []
  const config = inFailures(() => parseAgentConfig(readSources(options.config), (text) => void notes.push(text)))
  const attestors = inFailures(() => ({ node: nodeAttestation(config.nodeAttestor), workload: config.workloadAttestors.map(workloadAttestor) }))
  const level = (options.logLevel ?? config.logLevel) as AgentConfig['logLevel']
  const format = (options.logFormat ?? config.logFormat) as AgentConfig['logFormat']
  const { log } = openLogs({ level, format, clock: ports.clock, write: (line) => process.stderr.write(line) })
  for (const note of [...notes, ...warnings]) log.warn(note)
  endOnBugs(log)
  const running = await runAgent(
    {
      settings: {
        trustDomain: config.trustDomain,
        addresses: config.serverAddresses,
        attestation: attestors.node,
        bootstrap: () => bootstrapOf(config),
        workloadKeyType: config.workloadKeyType,
        syncInterval: config.syncInterval,
        mostX509: config.mostX509,
        mostJwt: config.mostJwt,
        version: SIGNET_VERSION,
      },
      drawer: openDrawer(config.dataDir),
      key: readOrMakeKey(config.keyFile, ports.random),
      workloadAttestors: attestors.workload,
      socket: { path: config.socketPath, mode: config.socketMode },
      adminSocket: config.adminSocketPath === undefined ? undefined : { path: config.adminSocketPath, mode: adminMode(config) },
      delegates: config.delegates,
      operators: operatorsOf(config),
      broker: config.broker,
      sds: config.sds,
      allowUnauthenticatedVerifiers: config.allowUnauthenticatedVerifiers,
      foreignClaims: config.foreignClaims,
      telemetryAddress: config.telemetryAddress,
    },
    ports,
    log,
  )
  const ending = await Promise.race([running.ended, untilStopped(() => {})])
  await running.close()
  if (ending) throw new Failure(1, ending.message, { hints: [ending.hint] })
  return 0
}

const OWN_UID = process.getuid?.() ?? -1
const OWNER_ONLY = 0o600
const ANYBODY = 0o666

/** Users who may ask what the agent knows. */
const operatorsOf = ({ adminUids }: AgentConfig): readonly number[] => (adminUids.length > 0 ? adminUids : [OWN_UID])

/** Delegates run as any user; which process one is, is attested. */
function adminMode(config: AgentConfig): number {
  const others = config.delegates.length > 0 || operatorsOf(config).some((uid) => uid !== OWN_UID)
  return others ? ANYBODY : OWNER_ONLY
}

function inFailures<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Failure(1, error.message, { hints: ['the keys of an agent’s configuration are in docs/guide/agent.md'] })
  }
}

function bootstrapOf({ trustBundle, trustDomain }: AgentConfig): readonly Buffer[] | 'anyone' {
  return trustBundle ? readBundle(trustBundle, trustDomain) : 'anyone'
}

/** Read when it is needed, so that a newer one counts. Throws `invalid`. */
function readBundle({ path, format }: { readonly path: string; readonly format: 'pem' | 'spiffe' }, trustDomain: TrustDomain): readonly Buffer[] {
  const text = readText(path)
  const found = format === 'pem' ? fromPem(text) : parseBundle(trustDomain, Buffer.from(text)).x509Authorities
  if (found.length === 0) throw new Fault('invalid', `${path} holds no certificate`)
  return found
}
