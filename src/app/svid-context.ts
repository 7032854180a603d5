// What TLS shows of an SVID's holder, on either side of a connection.
import { constants } from 'node:crypto'
import { pem, toPem } from '../crypto/certificate.ts'
import { exportSigningKey, type SigningKey } from '../crypto/signing-key.ts'
import { CIPHERS } from './tls-suites.ts'

/** Without tickets: a resumed session would skip the check of the other side's certificate. */
export const TLS_CONTEXT = { minVersion: 'TLSv1.2', ciphers: CIPHERS, secureOptions: constants.SSL_OP_NO_TICKET } as const

export interface SvidContext {
  readonly minVersion: 'TLSv1.2'
  readonly ciphers: string
  readonly secureOptions: number
  readonly cert: string
  readonly key: string
}

/** `chain` in DER, the leaf first. */
export function svidContext({ chain, key }: { readonly chain: readonly Buffer[]; readonly key: SigningKey }): SvidContext {
  const secret = exportSigningKey(key)
  const context = { ...TLS_CONTEXT, cert: toPem(chain), key: pem('PRIVATE KEY', secret) }
  secret.fill(0)
  return context
}
