// What the token endpoints ask about tokens in the same words: which one is meant, and who asks.
import { coreFault, Fault, permissionDenied } from '../base/fault.ts'
import { or, secret, text } from '../base/fields.ts'
import type { Ctx } from '../contract/module.ts'
import type { Token } from '../contract/token.ts'
import type { Tokens } from './tokens.ts'

export const tokenInput = { token: secret(or(text('Id of the token.'), '')) }
export const accessorInput = { accessor: or(text('Accessor of the token.'), '') }

export function callerOf(ctx: Ctx): Token {
  if (!ctx.caller) throw permissionDenied()
  return ctx.caller
}

/** The id that the caller came with. */
export function idOf(ctx: Ctx): string {
  return ctx.token?.reveal() ?? ''
}

/** Throws `invalid` where there is no such token, with the text given. */
export function found(tokens: Tokens, { mount }: Ctx, id: string, otherwise: string): Token {
  const token = tokens.find(needed(id), mount.namespace)
  if (!token) throw new Fault('invalid', otherwise)
  return token
}

/** Throws `invalid` for an id left out. */
export function needed(id: string): string {
  if (id === '') throw new Fault('invalid', 'missing token ID')
  return id
}

/** By its accessor. Throws `invalid`. */
export function named(tokens: Tokens, { mount }: Ctx, accessor: string): Token {
  const token = tokens.byAccessor(neededAccessor(accessor), mount.namespace)
  if (!token) throw coreFault('invalid', 'invalid accessor')
  return token
}

export function neededAccessor(accessor: string): string {
  if (accessor === '') throw coreFault('invalid', 'missing accessor')
  return accessor
}
