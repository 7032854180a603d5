// Logging in with a user name and a password.
import { Failure } from '../failure.ts'
import { askSecret } from '../terminal.ts'
import type { LoginMethod } from './methods.ts'

export const userpass: LoginMethod = {
  help: `
Usage: signet login -method=userpass [CONFIG K=V...]

  Logs in as a user that the server knows.

    $ signet login -method=userpass username=ann
    Password (will be hidden):

Configuration:

  username=<string>
      Name of the user.

  password=<string>
      Password; asked for, unless given. "password=-" takes it from standard input.`,
  async login(terminal, client, mount, { username, password }) {
    if (!username) throw new Failure(2, "'username' must be specified")
    const secret = password || (await askSecret(terminal, 'Password', 'pipe it in: password=-'))
    return client.write(`auth/${mount}/login/${username}`, { password: secret })
  },
}
