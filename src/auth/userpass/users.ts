// The users of a userpass mount: what is kept of each, and how they are written, read, listed and removed.
import { coreFault, Fault } from '../../base/fault.ts'
import { policyNames } from '../../base/policy-names.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Ctx } from '../../contract/module.ts'
import { data, empty, keys, missing, type Reply } from '../../contract/reply.ts'
import type { Passwords } from '../../crypto/password.ts'
import { children } from '../../store/folder.ts'
import { records } from '../../store/records.ts'
import { transact } from '../../store/transact.ts'
import { forgetName } from '../lockout.ts'
import { normalise, tryNormalise } from '../normalise.ts'
import { openDigest } from '../salt.ts'
import { type Aliases, mergeTokenFields, NO_TOKEN_PARAMS, showTokenFields, type TokenInput, type TokenParams } from '../token-fields.ts'

export interface User {
  readonly passwordHash: string
  readonly token: TokenParams
}

const PREFIX = 'user/'
export const users = records<User>(PREFIX)

export const USER_ALIASES: Aliases = { policies: 'token_policies', ttl: 'token_ttl', max_ttl: 'token_max_ttl', bound_cidrs: 'token_bound_cidrs' }

interface Named {
  readonly username: string
}

interface PasswordInput {
  readonly password: string
  readonly password_hash: string
}

type UserInput = Named & PasswordInput & TokenInput

export function userExists(ctx: Ctx, input: Named): boolean {
  const name = tryNormalise('username', input.username)
  return name !== undefined && users.get(ctx.store, name) !== undefined
}

export async function writeUser(ctx: Ctx, input: UserInput, passwords: Passwords): Promise<Reply> {
  const name = normalise('username', input.username)
  const given = input.password !== '' || input.password_hash !== ''
  if (given || !users.get(ctx.store, name)) checkPassword(input)
  mergeTokenFields(NO_TOKEN_PARAMS, input, USER_ALIASES) // refused before a hash is computed for nothing
  const hash = given ? await passwords.hash(input.password) : undefined
  await transact(ctx.store, (tx) => {
    const before = users.get(tx, name)
    const passwordHash = hash ?? before?.passwordHash
    if (passwordHash === undefined) throw noPassword()
    users.put(tx, name, { passwordHash, token: mergeTokenFields(before?.token ?? NO_TOKEN_PARAMS, input, USER_ALIASES) })
  })
  return empty()
}

export function readUser(ctx: Ctx, input: Named): Reply {
  const user = users.get(ctx.store, normalise('username', input.username))
  return user ? data(showUser(user)) : missing()
}

export async function deleteUser(ctx: Ctx, input: Named): Promise<Reply> {
  const name = normalise('username', input.username)
  const digest = await openDigest(ctx)
  await transact(ctx.store, (tx) => {
    if (users.get(tx, name)) users.delete(tx, name)
    forgetName(tx, digest, name)
  })
  return empty()
}

export function listUsers(ctx: Ctx, { after, limit }: { after: string; limit: number }): Reply {
  return keys([...children(ctx.store, PREFIX, { after, ...(limit > 0 ? { limit } : {}) })])
}

export async function writePassword(ctx: Ctx, input: Named & PasswordInput, passwords: Passwords): Promise<Reply> {
  const name = normalise('username', input.username)
  if (!users.get(ctx.store, name)) throw noUser()
  checkPassword(input)
  const passwordHash = await passwords.hash(input.password)
  return change(ctx, name, (user) => ({ ...user, passwordHash }))
}

export function writePolicies(ctx: Ctx, input: Named & TokenInput): Promise<Reply> {
  const { policies, token_policies } = input
  const sent = { policies, ...(token_policies ? { token_policies: policyNames(token_policies) } : {}) }
  return change(ctx, normalise('username', input.username), (user) => ({ ...user, token: mergeTokenFields(user.token, sent, USER_ALIASES) }))
}

async function change(ctx: Ctx, name: string, next: (user: User) => User): Promise<Reply> {
  await transact(ctx.store, (tx) => {
    const user = users.get(tx, name)
    if (!user) throw noUser()
    users.put(tx, name, next(user))
  })
  return empty()
}

function showUser(user: User): JsonObject {
  return showTokenFields(user.token, USER_ALIASES)
}

function checkPassword({ password, password_hash }: PasswordInput): void {
  if (password !== '' && password_hash !== '') throw new Fault('invalid', 'only one of password or password_hash may be provided')
  if (password_hash !== '') throw new Fault('invalid', 'password_hash is not supported: send the password, which is then kept as an argon2id hash')
  if (password === '') throw noPassword()
}

function noPassword(): Fault {
  return new Fault('invalid', 'must provide either password or password_hash')
}

function noUser(): Fault {
  return coreFault('missing', 'username does not exist')
}
