// Signing requests as clients send them: PEM, or the base64 of it alone.
import { Fault } from '../../base/fault.ts'

/** In DER. Throws `invalid` for a text that is neither. */
export function csrDer(csr: string): Buffer {
  const body = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+)-----END/.exec(csr)?.[1] ?? csr
  const bare = body.replace(/\s+/g, '')
  if (bare === '' || !/^[A-Za-z0-9+/]+={0,2}$/.test(bare)) throw new Fault('invalid', 'csr is neither PEM nor base64')
  return Buffer.from(bare, 'base64')
}
