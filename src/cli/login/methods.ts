// The ways to log in that the command line knows, by the type of the auth method.
import type { Client } from '../../client/client.ts'
import type { Secret } from '../../client/secret.ts'
import type { Terminal } from '../terminal.ts'
import { approle } from './approle.ts'
import { spiffe } from './spiffe.ts'
import { token } from './token.ts'
import { userpass } from './userpass.ts'

export interface LoginMethod {
  readonly help: string
  /** `config` is what was given as key=value; `mount` has no slashes around it. Undefined where the server said nothing. */
  login(terminal: Terminal, client: Client, mount: string, config: Readonly<Record<string, string>>): Promise<Secret | undefined>
}

export const LOGIN_METHODS: ReadonlyMap<string, LoginMethod> = new Map([
  ['approle', approle],
  ['spiffe', spiffe],
  ['token', token],
  ['userpass', userpass],
])
