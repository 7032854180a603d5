// seal "<kind>": what opens the server by itself; any number of them, none for key shares only.
import { maybe, type Shape } from '../../base/fields.ts'
import type { JsonObject } from '../../base/json.ts'
import { COMMON_SEAL_KEYS, SEAL_KINDS, type SealStanza } from '../seals.ts'
import { type Block, readStanza, refuse } from './stanza.ts'

/** Kinds of Vault and OpenBao that are not ours. */
const OTHERS = ['alicloudkms', 'azurekeyvault', 'gcpckms', 'kmip', 'ocikms', 'ovhcloud', 'shamir', 'tcloudpublic']

/** What each stanza says; what the environment adds is settled when the seals are opened. */
export function parseSeals(blocks: readonly Block[]): SealStanza[] {
  return blocks.map((block) => {
    const [kind = ''] = block.labels
    const found = Object.hasOwn(SEAL_KINDS, kind) ? SEAL_KINDS[kind] : undefined
    if (!found)
      throw refuse(block, `seal "${kind}" is not ${OTHERS.includes(kind) ? 'offered' : 'known'}; there are ${Object.keys(SEAL_KINDS).join(', ')}`)
    const keys: Shape = { ...COMMON_SEAL_KEYS, ...found.shape }
    const { values } = readStanza(block, { keys: Object.fromEntries(Object.entries(keys).map(([name, field]) => [name, bare(field)])) })
    const given = Object.entries(values).filter(([, value]) => value !== undefined)
    return { kind, place: block.place, given: Object.fromEntries(given) as JsonObject }
  })
}

/** Without a default, so that what wasn't said can be told from what was. */
function bare(field: Shape[string]): Shape[string] {
  const { fallback: _, ...rest } = maybe(field)
  return rest
}
