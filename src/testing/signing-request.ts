// Signing requests as OpenSSL makes them.
import { execFileSync } from 'node:child_process'

const NEW_KEY = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** For a new P-256 key, with these alternative names (`URI:…`, `DNS:…`). The key is written to `keyFile`, and nowhere where it is not named. */
export function signingRequest(form: 'DER' | 'PEM', names: readonly string[] = [], keyFile = '/dev/null'): Buffer {
  const extensions = names.length > 0 ? ['-addext', `subjectAltName=${names.join(',')}`] : []
  return execFileSync('openssl', [...NEW_KEY, '-keyout', keyFile, '-subj', '/CN=x', '-outform', form, ...extensions], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
}
