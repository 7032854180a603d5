// X509-SVIDs as files, under the names that SPIRE's agent gives them, and revocation lists beside them.
import { pem, toPem } from '../../crypto/certificate.ts'
import { DerReader } from '../../crypto/der.ts'
import type { CliFiles, X509Answer } from '../ports.ts'

const CERTIFICATE = 0o644
export const KEY_MODE = '0600'

interface SvidFile {
  readonly name: string
  readonly content: string
  readonly mode: number
}

/** The names of files that are written here. */
const OURS = /^(?:(?:svid|bundle)\.\d+\.pem|svid\.\d+\.key|federated_bundle\.\d+\.\d+\.pem|crl\.pem)$/

/**
 * Writes certificates, keys, bundles and revocation lists; resolves to a line that says which. Those of an earlier answer that this one has no more are
 * removed: what is absent was taken back (SPIFFE_Workload_API.md §4.4).
 */
export async function writeSvids(files: CliFiles, answer: X509Answer, folder: string, keyMode: number): Promise<string> {
  const made = filesOf(answer, keyMode)
  for (const { name, content, mode } of made) await files.write(`${folder}/${name}`, content, mode)
  const names = made.map(({ name }) => name)
  const there = names.length > 0 ? await files.list(folder) : await files.list(folder).catch(() => [])
  for (const name of there) if (OURS.test(name) && !names.includes(name)) await files.remove(`${folder}/${name}`)
  return `Written to ${folder}: ${names.join(', ')}`
}

function filesOf({ svids, federatedBundles, crls }: X509Answer, keyMode: number): SvidFile[] {
  const federated = Object.entries(federatedBundles).sort(([a], [b]) => (a < b ? -1 : 1))
  const lists = { name: 'crl.pem', content: crls.map((der) => pem('X509 CRL', der)).join(''), mode: CERTIFICATE }
  const files = svids.flatMap(({ chain, key, bundle }, at) => [
    { name: `svid.${at}.pem`, content: toPem(certificatesIn(chain)), mode: CERTIFICATE },
    { name: `svid.${at}.key`, content: pem('PRIVATE KEY', key), mode: keyMode },
    { name: `bundle.${at}.pem`, content: toPem(certificatesIn(bundle)), mode: CERTIFICATE },
    ...federated.map(([, other], index) => ({
      name: `federated_bundle.${at}.${index}.pem`,
      content: toPem(certificatesIn(other)),
      mode: CERTIFICATE,
    })),
  ])
  return crls.length > 0 ? [...files, lists] : files
}

/** Certificates that follow one another, each by itself. */
export function certificatesIn(der: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (const reader = new DerReader(der); !reader.atEnd; ) found.push(reader.next().whole)
  return found
}
