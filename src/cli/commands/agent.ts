// `signet agent`: runs the SPIFFE agent of a node, asks one, and manages those that a server knows.
import { command, group } from '../command.ts'
import { Failure } from '../failure.ts'
import { list, oneOf, orEnv, text } from '../flag.ts'
import { api } from './agent-api.ts'
import { broker } from './agent-broker.ts'
import { helper } from './agent-helper.ts'
import { asking, socketFlags } from './agent-socket.ts'
import { ban, count, evict, list as listAgents, show } from './agents.ts'

const run = command({
  doc: 'Run the agent of this node',
  local: true,
  flags: {
    config: orEnv(list('Configuration file, or folder of such files. May be given many times.'), 'CONFIG_PATH'),
    'log-level': orEnv(oneOf(text('How much to log: trace, debug, info, warn or error.'), 'trace', 'debug', 'info', 'warn', 'error'), 'LOG_LEVEL'),
    'log-format': orEnv(oneOf(text('How to log: standard or json.'), 'standard', 'json'), 'LOG_FORMAT'),
  },
  async run(terminal, { flags }) {
    if (flags.config.length === 0) throw new Failure(1, 'Must specify at least one config path using -config')
    return terminal.ports.startAgent({ config: flags.config, logLevel: flags['log-level'], logFormat: flags['log-format'] })
  },
})

const healthcheck = command({
  doc: 'Ask an agent whether it can serve workloads',
  about: `
The exit code is 0 where it can, 1 where it can't yet, 2 where nobody answers.`,
  local: true,
  flags: socketFlags,
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      const serving = await workloadApi.isServing()
      terminal.print(serving ? 'Agent is healthy.' : 'Agent has nothing to serve yet.')
      return serving ? 0 : 1
    }),
})

export const agent = group(
  'Run the SPIFFE agent of this node, ask one, or manage those that a server knows',
  { api, ban, broker, count, evict, healthcheck, helper, list: listAgents, show },
  `
Proves to a server which node this is, and serves the SPIFFE Workload API to the workloads on it; see
docs/guide/agent.md.

    $ signet agent -config=/etc/signet/agent.hcl
    $ signet agent api fetch x509 -write=/run/certs
    $ signet agent list`,
  run,
)
