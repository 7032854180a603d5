// `signet token`: make, look up, renew and revoke tokens, and see what they may do; make join tokens for agents.
import { group } from '../command.ts'
import { create } from './token-create.ts'
import { generate } from './token-generate.ts'
import { capabilities, lookup } from './token-lookup.ts'
import { renew, revoke } from './token-renew.ts'

export const token = group(
  'Interact with tokens',
  { capabilities, create, generate, lookup, renew, revoke },
  `
    $ signet token create -policy=app -ttl=1h
    $ signet token lookup
    $ signet token revoke -accessor 9793c9b3-e04a-46f3-e7b8-748d7da248da`,
)
