// What a body's declared media type means to the API: JSON whatever it says, except for forms and merge patches.
import { Fault } from '../base/fault.ts'
import type { Verb } from '../contract/call.ts'
import { formToJson } from './query.ts'

const MEDIA_TYPE = /^[ \t]*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)[ \t]*(?:;.*)?$/
const FORM = 'application/x-www-form-urlencoded'
const MERGE_PATCH = 'application/merge-patch+json'

/** PATCH works on merge patches only (RFC 7396). Throws `invalid` or `media-type`. */
export function checkMedia(verb: Verb, contentType: string | undefined): void {
  if (verb !== 'patch') return
  const type = mediaType(contentType)
  if (type === undefined) throw new Fault('invalid', 'PATCH requires a Content-Type')
  if (type !== MERGE_PATCH) throw new Fault('media-type', `PATCH requires Content-Type of ${MERGE_PATCH}, provided ${type}`)
}

/** A form's fields as JSON; a body that begins like JSON is JSON even where a client such as curl calls it a form. */
export function settleBody(
  verb: Verb,
  contentType: string | undefined,
  body: Buffer,
  limit: number,
): { body: Buffer; contentType: string | undefined } {
  if (verb !== 'write' || body.length === 0 || mediaType(contentType) !== FORM || beginsLikeJson(body)) return { body, contentType }
  return { body: formToJson(body, limit), contentType: 'application/json' }
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType === undefined ? undefined : MEDIA_TYPE.exec(contentType)?.[1]?.toLowerCase()
}

const SPACES = [0x20, 0x09, 0x0a, 0x0d]

function beginsLikeJson(body: Buffer): boolean {
  const first = body.find((byte) => !SPACES.includes(byte))
  return first === 0x7b || first === 0x5b
}
