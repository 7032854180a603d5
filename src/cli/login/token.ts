// Logging in with a token: looked up, so that a wrong one is not stored.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Secret, SecretAuth } from '../../client/secret.ts'
import { attempt, Failure } from '../failure.ts'
import { askSecret } from '../terminal.ts'
import type { LoginMethod } from './methods.ts'

export const token: LoginMethod = {
  help: `
Usage: signet login [TOKEN] [CONFIG K=V...]

  Logs in with a token. It is asked for, unless given; "-" takes it from standard input.

    $ signet login
    Token (will be hidden):

Configuration:

  token=<string>
      The token.

  lookup=<bool>
      Look the token up first, which is the default.`,
  async login(terminal, client, _mount, config) {
    const lookup = config['lookup'] ?? 'true'
    if (!/^(true|false)$/i.test(lookup)) throw new Failure(2, 'Failed to parse "lookup" as boolean')
    const given = (config['token'] ?? (await askSecret(terminal, 'Token', 'pipe it in: signet login -'))).trim()
    if (given === '') throw new Failure(2, 'a token must be passed to auth, please view the help for more information')
    if (/^false$/i.test(lookup)) return toLogin({ id: given })
    const self = client.with({ token: given, wrapTtl: '' })
    const found = await attempt('error looking up token', () => self.read('auth/token/lookup-self'))
    if (!found?.data) throw new Failure(2, 'empty response from lookup-self')
    return toLogin(found.data)
  },
}

/** What a lookup tells, as a login answers it. */
function toLogin(data: JsonObject): Secret {
  const policies = texts(data['policies'])
  const identity = texts(data['identity_policies'])
  const auth: SecretAuth = {
    client_token: String(data['id'] ?? ''),
    accessor: String(data['accessor'] ?? ''),
    policies: policies && [...new Set([...policies, ...(identity ?? [])])],
    token_policies: policies,
    identity_policies: identity,
    metadata: (data['meta'] ?? null) as SecretAuth['metadata'],
    orphan: false,
    entity_id: '',
    lease_duration: Number(data['ttl'] ?? 0),
    renewable: data['renewable'] === true,
    mfa_requirement: null,
  }
  return { request_id: '', lease_id: '', lease_duration: 0, renewable: false, data: null, warnings: null, auth }
}

function texts(value: Json | undefined): string[] | null {
  return Array.isArray(value) ? value.map(String) : null
}
