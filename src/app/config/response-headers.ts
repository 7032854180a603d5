// custom_response_headers { "STATUS" = { "Name" = ["value", …] } } of a listener.
import type { HclBody } from '../../base/hcl.ts'
import { toObject } from '../../base/hcl-object.ts'
import type { JsonObject } from '../../base/json.ts'
import { type CustomHeaders, openResponseHeaders } from '../../edge/response-headers.ts'
import { type Block, type Placed, refuse, refuseItem } from './stanza.ts'

/** By status; undefined where nothing is said. */
export function parseResponseHeaders(blocks: readonly Block[]): CustomHeaders | undefined {
  const [block] = blocks
  if (!block) return undefined
  const headers: Record<string, Record<string, string>> = {}
  // JSON has one for each status.
  for (const placed of blocks.flatMap(({ items }) => items)) {
    const status = placed.item.names[0]?.text ?? ''
    const { value } = placed.item
    if (value.kind !== 'body' || placed.item.names.length > 1) throw refuseItem(placed, `"${status}" must hold headers: { "Name" = ["value"] }`)
    if (headers[status]) throw refuseItem(placed, `headers of "${status}" are set already`)
    headers[status] = headersOf(placed, value)
  }
  try {
    openResponseHeaders(true, headers)
  } catch (error) {
    throw refuse(block, (error as Error).message)
  }
  Object.assign(block.effect.values, headers)
  return headers
}

/** Values of one header are joined, as Vault joins them. */
function headersOf(placed: Placed, body: HclBody): Record<string, string> {
  const found: JsonObject = toObject(body)
  return Object.fromEntries(
    Object.entries(found).map(([name, value]) => {
      const values = Array.isArray(value) ? value : [value]
      if (!values.every((one) => typeof one === 'string')) throw refuseItem(placed, `the values of "${name}" must be texts`)
      return [name, values.join('; ')]
    }),
  )
}
