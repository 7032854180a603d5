// What an audit record tells of an answer.
import { isUtf8 } from 'node:buffer'
import type { JsonObject } from '../base/json.ts'
import type { Reply } from '../contract/reply.ts'
import type { Told } from '../audit/record.ts'
import { openedEnvelope } from './unwrap.ts'

/** `bare` is the reply before it was wrapped, if it was. */
export function told(reply: Reply, bare: Reply, warnings: readonly string[]): Told {
  switch (reply.kind) {
    case 'wrapped':
      return { wrapInfo: reply.info, warnings, ...(bare.kind === 'auth' ? { auth: bare.auth } : {}) }
    case 'unwrapped':
      return reply.raw ? {} : { opened: openedEnvelope(reply.text) }
    case 'auth':
      return { auth: reply.auth, warnings }
    case 'data':
      return { data: reply.data, warnings, ...(reply.leased ? { leaseId: reply.leased.id } : {}) }
    case 'keys':
      return { data: { ...(reply.info ? { key_info: reply.info } : {}), keys: [...reply.keys] }, warnings }
    case 'plain':
      return { data: reply.body }
    case 'raw':
      return { data: rawData(reply.status, reply.contentType, reply.body) }
    default:
      return { warnings }
  }
}

/** Under the names that Vault's own answers of bytes have; what is no text is told as base64. */
function rawData(status: number, contentType: string, body: Buffer): JsonObject {
  const text = isUtf8(body) ? body.toString() : body.toString('base64')
  return { http_content_type: contentType, http_raw_body: text, http_status_code: status }
}
