// A development server that is a trust domain, for tests of what its identities open elsewhere.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { ask, devServer } from '../support/server.ts'

export type Kind = 'x509' | 'jwt'

export interface Domain {
  readonly address: string
  /** The data of the answer; fails where it is one of refusal. */
  call(method: string, path: string, body?: object): Promise<any>
  /** Moves an authority on; returns its id. */
  step(kind: Kind, verb: 'prepare' | 'activate' | 'revoke', id?: string): Promise<string>
  /** The id of the authority that signs. */
  active(kind: Kind): Promise<string>
}

export async function openDomain(t: TestContext, settings: object = {}): Promise<Domain> {
  const address = await devServer(t)
  const call = async (method: string, path: string, body?: object) => {
    const answer = await ask(address, method, path, body)
    assert.ok(answer.status < 300, JSON.stringify(answer.body))
    return answer.body?.data
  }
  await call('POST', 'sys/mounts/spiffe', { type: 'spiffe' })
  await call('POST', 'spiffe/config', { trust_domain: 'example.org', ...settings })
  return {
    address,
    call,
    step: async (kind, verb, id) => (await call('POST', `spiffe/authorities/${kind}/${verb}`, { authority_id: id })).authority_id,
    async active(kind) {
      const { authorities } = await call('GET', `spiffe/authorities/${kind}`)
      return authorities.find(({ state }: { state: string }) => state === 'active').authority_id
    },
  }
}
