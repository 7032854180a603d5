// `signet operator diagnose`: is this server set up as one that holds secrets should be?
import { isObject, type JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { ApiError, Unreachable } from '../../client/failure.ts'
import { parseBody } from '../../client/secret.ts'
import { command } from '../command.ts'
import { list, orEnv } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { Failure } from '../failure.ts'
import type { AskServer, Finding } from '../ports.ts'

export const diagnose = command({
  doc: 'Check how a server is set up',
  about: `
Looks at the configuration, at files and their modes, at the machine and at the process that runs on the
storage; and where VAULT_ADDR and VAULT_TOKEN lead to an unsealed server, asks it for audit devices, root
tokens and more. Run it as the server's own user, on its machine. Nothing is changed.

    $ signet operator diagnose -config=/etc/signet/server.hcl

The exit code is 0 where all is well, 1 where a check failed, 2 where there are only warnings.`,
  flags: { config: orEnv(list('Configuration file, or folder of such files. May be given many times.'), 'CONFIG_PATH') },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.config.length === 0) throw new Failure(1, 'Must specify at least one config path using -config')
    const findings = await terminal.ports.diagnose(flags.config, askWith(await terminal.client(), await terminal.anonymous()))
    if (terminal.format === 'table') for (const finding of findings) terminal.print(shown(finding))
    else showObject(terminal, findings as unknown as JsonObject[])
    if (findings.some(({ status }) => status === 'fail')) return 1
    return findings.some(({ status }) => status === 'warn') ? 2 : 0
  },
})

/** What is refused, or answered by nobody, is not known. */
function askWith(client: Client, anonymous: Client): AskServer {
  return async (method, path, { body, anonymous: open = false } = {}) => {
    try {
      const to = open ? anonymous : client
      const { body: answer } = await (method === 'LIST'
        ? to.call('GET', path, { query: { list: 'true' } })
        : to.call(method, path, body ? { body } : {}))
      const parsed = parseBody(answer)
      return isObject(parsed) ? parsed : undefined
    } catch (error) {
      if (error instanceof ApiError || error instanceof Unreachable) return undefined
      throw error
    }
  }
}

const MARKS: Readonly<Record<Finding['status'], string>> = { ok: '[ ok ]', warn: '[warn]', fail: '[FAIL]', unknown: '[ ?? ]' }

function shown({ check, status, detail, hint }: Finding): string {
  const advice = hint === undefined ? '' : `\n         hint: ${hint}`
  return `${MARKS[status]} ${check}: ${detail}${advice}`
}
