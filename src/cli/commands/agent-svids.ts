// X509-SVIDs as files, under the names that SPIRE's agent gives them.
import { pem, toPem } from '../../crypto/certificate.ts'
import { DerReader } from '../../crypto/der.ts'
import type { CliFiles, X509Answer } from '../ports.ts'

const CERTIFICATE = 0o644
export const KEY_MODE = '0600'

/** Writes certificates, keys and bundles; resolves to a line that says which. */
export async function writeSvids(files: CliFiles, { svids, federatedBundles }: X509Answer, folder: string, keyMode: number): Promise<string> {
  const federated = Object.entries(federatedBundles).sort(([a], [b]) => (a < b ? -1 : 1))
  const names: string[] = []
  const save = async (name: string, content: string, mode: number) => {
    await files.write(`${folder}/${name}`, content, mode)
    names.push(name)
  }
  for (const [at, { chain, key, bundle }] of svids.entries()) {
    await save(`svid.${at}.pem`, toPem(certificatesIn(chain)), CERTIFICATE)
    await save(`svid.${at}.key`, pem('PRIVATE KEY', key), keyMode)
    await save(`bundle.${at}.pem`, toPem(certificatesIn(bundle)), CERTIFICATE)
    for (const [index, [, other]] of federated.entries()) {
      await save(`federated_bundle.${at}.${index}.pem`, toPem(certificatesIn(other)), CERTIFICATE)
    }
  }
  return `Written to ${folder}: ${names.join(', ')}`
}

/** Certificates that follow one another, each by itself. */
export function certificatesIn(der: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (const reader = new DerReader(der); !reader.atEnd; ) found.push(reader.next().whole)
  return found
}
