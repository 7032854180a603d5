// `signet server` and `signet dev`: start a server.
import { command } from '../command.ts'
import { bool, list, oneOf, or, orEnv, text } from '../flag.ts'
import type { DevOptions } from '../ports.ts'
import { Failure } from '../failure.ts'

const devFlags = {
  'dev-root-token-id': orEnv(text('The root token; a random one, unless given.'), 'DEV_ROOT_TOKEN_ID'),
  'dev-listen-address': orEnv(or(text('Where to listen.'), '127.0.0.1:8200'), 'DEV_LISTEN_ADDRESS'),
  'dev-kv-v1': bool('Mount KV version 1 at secret/ in place of version 2.'),
  'dev-trust-domain': text('Name of a trust domain to be the authority of, with an agent that serves the workloads of this user.'),
  'dev-no-store-token': bool('Do not write the root token to the token file.'),
}

const logFlags = {
  'log-level': orEnv(oneOf(text('How much to log: trace, debug, info, warn or error.'), 'trace', 'debug', 'info', 'warn', 'error'), 'LOG_LEVEL'),
  'log-format': orEnv(oneOf(text('How to log: standard or json.'), 'standard', 'json'), 'LOG_FORMAT'),
}

interface DevValues {
  readonly 'dev-root-token-id': string | undefined
  readonly 'dev-listen-address': string
  readonly 'dev-kv-v1': boolean
  readonly 'dev-trust-domain': string | undefined
  readonly 'dev-no-store-token': boolean
}

const devOptions = (flags: DevValues): DevOptions => ({
  rootTokenId: flags['dev-root-token-id'],
  listenAddress: flags['dev-listen-address'],
  kvV1: flags['dev-kv-v1'],
  trustDomain: flags['dev-trust-domain'],
  noStoreToken: flags['dev-no-store-token'],
})

export const server = command({
  doc: 'Start a server',
  about: `
Runs until it is told to stop. With -dev all is kept in memory and the server is open for anybody on
this machine who has the root token: for trying things out, never for secrets.

    $ signet server -config=/etc/signet/signet.hcl
    $ signet server -config=/etc/signet/signet.hcl -recovery
    $ signet server -dev -dev-root-token-id=root`,
  local: true,
  flags: {
    config: orEnv(list('Configuration file, or folder of such files. May be given many times.'), 'CONFIG_PATH'),
    dev: bool('Start a development server: in memory, initialized and unsealed.'),
    recovery: bool('Start in recovery mode: what is stored can be read and repaired with a recovery token, and nothing else is served.'),
    ...devFlags,
    ...logFlags,
  },
  async run(terminal, { flags }) {
    if (!flags.dev && flags.config.length === 0) {
      throw new Failure(1, 'Must specify at least one config path using -config', { hints: ['to try things out: signet dev'] })
    }
    if (flags.dev && flags.recovery) throw new Failure(1, 'A development server keeps nothing that could be recovered: use either -dev or -recovery')
    const common = { config: flags.config, logLevel: flags['log-level'], logFormat: flags['log-format'], recovery: flags.recovery }
    return terminal.ports.startServer({ ...common, dev: flags.dev ? devOptions(flags) : undefined })
  },
})

export const dev = command({
  doc: 'Start a development server: in memory, initialized and unsealed',
  about: `
The same as "signet server -dev".`,
  local: true,
  flags: { ...devFlags, ...logFlags },
  run: (terminal, { flags }) =>
    terminal.ports.startServer({ config: [], recovery: false, logLevel: flags['log-level'], logFormat: flags['log-format'], dev: devOptions(flags) }),
})
