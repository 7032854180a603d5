// The program: hands the real world to the command line, and exits with its code.
import { homedir } from 'node:os'
import { runCli } from '../cli/run.ts'
import { formatPolicy } from '../policy/format.ts'
import { SIGNET_VERSION } from '../sys/version.ts'
import { checkConfig } from './config/check.ts'
import { nodeCliPorts } from './cli-ports.ts'

const ports = nodeCliPorts(
  {
    format: { policy: formatPolicy },
    version: SIGNET_VERSION,
    sudoPaths: async () => (await import('./sudo-paths.ts')).sudoPaths(),
    checkConfig,
    diagnose: async (config, ask) => (await import('./diagnose/diagnose.ts')).diagnose(config, ask),
    openDatabase: async (path) => (await import('./offline-database.ts')).openOfflineDatabase(path),
    openSnapshot: async (chunks) => (await import('./offline-snapshot.ts')).openOfflineSnapshot(chunks),
    openAgentAdmin: async (path) => (await import('./agent-admin-client.ts')).openAgentAdmin(path),
    openWorkloadApi: async (endpoint) => (await import('./agent-client.ts')).openWorkloadApi(endpoint),
    openBrokerApi: async (options) => (await import('./broker-client.ts')).openBrokerApi(options),
    startAgent: async (options) => (await import('./agent-start.ts')).startAgentProcess(options),
    startServer: async (options) => (await import('./start.ts')).startServer(options, ports),
  },
  process,
  homedir(),
)
process.exitCode = await runCli(process.argv.slice(2), ports)
