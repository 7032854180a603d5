// What is asked of a wrapping token: it must be one, whoever asks; and how a wrapped answer is given out again.
import { Fault } from '../base/fault.ts'
import { isObject, type Json, type JsonObject } from '../base/json.ts'
import type { Answer } from '../contract/answer.ts'
import type { Routed } from '../contract/call.ts'
import { decode } from '../store/records.ts'
import { notWrapping, type Wrapping } from '../token/wrapping.ts'

/** Throws in Vault's words where the request is about a wrapping token and names none that lives. */
export function checkWrapping(wrapping: Pick<Wrapping, 'find'>, { target, namespace, data, token }: Routed): void {
  if (target.found !== 'op' || !target.op.wrapping) return
  const sent = data['token']
  const id = sent === undefined || sent === null ? token?.reveal() : sentToken(sent)
  if (id === undefined) throw new Fault('denied', 'error validating wrapping token: token is empty')
  if (!wrapping.find(id, namespace)) throw notWrapping()
}

function sentToken(sent: Json): string {
  if (typeof sent !== 'string') throw new Fault('denied', 'error validating wrapping token: could not decode token in request body')
  if (sent === '') throw new Fault('denied', 'error validating wrapping token: empty token in request body')
  return sent
}

/** The answer that was wrapped, as it would have been given then. */
export function openedAnswer(text: string, raw: boolean): Answer {
  if (!raw) return { status: 200, headers: {}, body: Buffer.from(text) }
  const { http_content_type: type, http_raw_body: body, http_status_code: status } = openedEnvelope(text)['data'] as JsonObject
  return { status: status as number, headers: { 'Content-Type': type as string }, body: Buffer.from(body as string, 'base64') }
}

/** For the audit record; an answer of the server's own, whatever its size. */
export function openedEnvelope(text: string): JsonObject {
  const envelope = decode<Json>(Buffer.from(text))
  return isObject(envelope) ? envelope : {}
}
