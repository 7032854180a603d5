// Logging in as a machine that has a role.
import { Failure } from '../failure.ts'
import { askSecret } from '../terminal.ts'
import type { LoginMethod } from './methods.ts'

export const approle: LoginMethod = {
  help: `
Usage: signet login -method=approle [CONFIG K=V...]

  Logs in with the ids of a role.

    $ signet login -method=approle role_id=@role.txt secret_id=-

Configuration:

  role_id=<string>
      Id of the role.

  secret_id=<string>
      Secret id; asked for, unless given. "secret_id=-" takes it from standard input, and "secret_id="
      is for a role that needs none.`,
  async login(terminal, client, mount, { role_id, secret_id }) {
    if (!role_id) throw new Failure(2, "'role_id' must be specified")
    const secret = secret_id ?? (await askSecret(terminal, 'Secret ID', 'pipe it in: secret_id=-'))
    return client.write(`auth/${mount}/login`, { role_id: role_id.trim(), ...(secret.trim() === '' ? {} : { secret_id: secret.trim() }) })
  },
}
