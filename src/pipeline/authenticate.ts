// Who asks: the live token of the request, counted as used, or nobody.
import { cidrContains } from '../base/cidr.ts'
import type { Known, Routed } from '../contract/call.ts'
import type { Token } from '../contract/token.ts'
import type { Tokens } from '../token/tokens.ts'
import { isWrapping } from '../token/wrapping.ts'

/** The token that a proof of another kind stands for; undefined where it proves nothing here. */
export type Bearer = (routed: Routed, proof: string) => Promise<Token | undefined>

export function openAuthenticate(tokens: Pick<Tokens, 'find' | 'use'>, bearer: Bearer): (routed: Routed) => Known | Promise<Known> {
  return (routed) => {
    const { target } = routed
    if (target.found === 'op' && target.op.access === 'open') return { ...routed, caller: undefined }
    const id = routed.token?.reveal() ?? ''
    const token = tokens.find(id)
    if (!token && isJwt(id)) return bearer(routed, id).then((caller) => ({ ...routed, caller }))
    if (!token || !isWithin(token, routed.peer.address)) return { ...routed, caller: undefined }
    if (token.numUses === 0 || takesOwn(routed, token)) return { ...routed, caller: token }
    // A use counts even where policy then refuses (Vault, "Token use limits").
    return tokens.use(token).then((caller) => ({ ...routed, caller }))
  }
}

/** No token of the server's own making has this form. */
const isJwt = (id: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(id)

/** Whoever takes what their own token holds uses it in the commit that takes it. */
function takesOwn({ target, data, token: id }: Routed, token: Token): boolean {
  const named = data['token'] ?? id?.reveal()
  return target.found === 'op' && target.op.wrapping === 'takes' && isWrapping(token) && named === id?.reveal()
}

function isWithin(token: Token, address: string): boolean {
  return token.boundCidrs.length === 0 || cidrContains(token.boundCidrs, address)
}
