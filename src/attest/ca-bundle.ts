// Authorities that an operator chose, as PEM among the settings of an attestor.
import type { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { fromPem } from '../crypto/certificate.ts'
import { openCertificate } from '../crypto/x509-reading.ts'

const MAX_AUTHORITIES = 100

/** Throws `invalid` for a text without certificates, or with one that is broken; `name` is the setting's. */
export function parseAuthorities(pem: string, name: string): X509Certificate[] {
  const found = fromPem(pem)
  if (found.length === 0) throw new Fault('invalid', `${name} has no PEM certificates`)
  if (found.length > MAX_AUTHORITIES) throw new Fault('invalid', `${name} has at most ${MAX_AUTHORITIES} certificates`)
  return found.map((der) => {
    try {
      return openCertificate(der)
    } catch (error) {
      throw error instanceof Fault ? new Fault('invalid', `${name} has a malformed certificate`) : error
    }
  })
}
