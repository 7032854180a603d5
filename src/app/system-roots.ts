// The certificates of the authorities that this machine believes, wherever its distribution keeps them.
import { readFileSync } from 'node:fs'

const PLACES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/ca-bundle.pem', '/etc/ssl/cert.pem']

/** In PEM; undefined where there are none. */
export function systemRoots(): Buffer | undefined {
  for (const place of PLACES) {
    try {
      return readFileSync(place)
    } catch {
      // not this distribution's
    }
  }
  return undefined
}
