// Tokens of a whole server, for tests that make many of them.
import { openWorld, type World } from './world.ts'

export interface TokenWorld extends World {
  /** Makes a token; the `auth` block of the answer. */
  make(data?: Record<string, any>, token?: string, path?: string): Promise<any>
  /** The token's own word on itself; undefined where it doesn't work. */
  self(token: string): Promise<any>
  /** The texts with which a request is refused, after its status. */
  refused(path: string, data: Record<string, any>, token?: string): Promise<readonly unknown[]>
}

/** There are the policies `maker` (may make tokens, by roles too) and `sudoer` (with sudo besides). */
export async function openTokenWorld(): Promise<TokenWorld> {
  const world = await openWorld()
  const may = (more: string) => `path "auth/token/*" { capabilities = ["read", "update"${more}] } path "cubbyhole/*" { capabilities = ["read"] }`
  await world.ok('write', 'sys/policies/acl/maker', { policy: may('') })
  await world.ok('write', 'sys/policies/acl/sudoer', { policy: may(', "sudo"') })
  return {
    ...world,
    async make(data = {}, token, path = 'create') {
      return (await world.ok('write', `auth/token/${path}`, data, token === undefined ? {} : { token })).auth
    },
    async self(token) {
      const { status, body } = await world.call('read', 'auth/token/lookup-self', {}, { token })
      return status === 200 ? body.data : undefined
    },
    async refused(path, data, token) {
      const { status, body } = await world.call('write', path, data, token === undefined ? {} : { token })
      return [status, ...(body?.errors ?? ['not refused'])]
    },
  }
}
