// The address blocks that a role and its secret IDs allow: well-formed, one within the other, and around who asks.
import { cidrContains, cidrsWithin, parseCidr } from '../../base/cidr.ts'
import { coreFault, Fault } from '../../base/fault.ts'
import type { Peer } from '../../contract/call.ts'

type Blocks = readonly string[]

/** The blocks as sent, once each is known to be one. Throws `invalid`. */
export function checkBlocks(blocks: Blocks, what: string): Blocks {
  const refusal = refuseBlocks(blocks, what)
  if (refusal) throw coreFault('invalid', refusal)
  return blocks
}

/** Why blocks can't be taken: unlike a token's they must name their length. */
export function refuseBlocks(blocks: Blocks, what: string): string | undefined {
  const bad = blocks.find((block) => !isBlock(block))
  return bad === undefined ? undefined : `failed to validate ${what}: invalid CIDR address: ${bad}`
}

function isBlock(text: string): boolean {
  try {
    return parseCidr(text) !== undefined && text.includes('/')
  } catch {
    return false
  }
}

/** A secret ID may narrow what its role allows, never widen it. Throws `invalid`. */
export function checkWithin(blocks: Blocks, ofRole: Blocks): void {
  if (blocks.length === 0 || ofRole.length === 0 || cidrsWithin(blocks, ofRole)) return
  const [outer, inner] = [ofRole, blocks].map((all) => `[${all.map((block) => JSON.stringify(block)).join(' ')}]`)
  throw coreFault(
    'invalid',
    `failed to verify subset relationship between CIDR blocks on the role ${outer} and CIDR blocks on the secret ID ${inner}`,
  )
}

/** Without blocks everyone may. Throws `invalid`; `rule` says whose blocks refuse. */
export function checkSource({ address }: Peer, blocks: Blocks, rule: string): void {
  if (blocks.length === 0 || cidrContains(blocks, address)) return
  throw new Fault('invalid', `source address "${address}" unauthorized ${rule}`)
}
