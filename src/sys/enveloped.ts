// The envelope around a body of bytes, which may hold shares and so never becomes a string.

/** Wipes the body. */
export function enveloped(body: Buffer, id: string): Buffer {
  const head = Buffer.from(`{"request_id":${JSON.stringify(id)},"lease_id":"","renewable":false,"lease_duration":0,"data":`)
  const tail = Buffer.from(',"wrap_info":null,"warnings":null,"auth":null}\n')
  const whole = Buffer.alloc(head.length + body.length + tail.length)
  head.copy(whole)
  body.copy(whole, head.length)
  tail.copy(whole, head.length + body.length)
  body.fill(0)
  return whole
}
