// Logging in with the identity of a workload.
import type { LoginMethod } from './methods.ts'

export const spiffe: LoginMethod = {
  help: `
Usage: signet login -method=spiffe [CONFIG K=V...]

  Logs in with an SVID: the X509-SVID that the connection is made with, or a JWT-SVID.

    $ signet login -method=spiffe -client-cert=svid.pem -client-key=key.pem role=web
    $ signet login -method=spiffe jwt=@token

Configuration:

  role=<string>
      Name of the role. The default one, or the only one that fits, unless given.

  jwt=<string>
      A JWT-SVID, for an audience of the mount. "jwt=-" takes it from standard input.`,
  async login(_, client, mount, { role, jwt }) {
    return client.write(`auth/${mount}/login`, { ...(role ? { role } : {}), ...(jwt === undefined ? {} : { jwt: jwt.trim() }) })
  },
}
