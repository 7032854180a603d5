// X509-SVIDs as files, under the names that SPIRE's agent gives them.
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

/** Writes certificates, keys and bundles; resolves to a line that says which. */
export async function writeSvids(files: CliFiles, answer: X509Answer, folder: string, keyMode: number): Promise<string> {
  const made = filesOf(answer, keyMode)
  for (const { name, content, mode } of made) await files.write(`${folder}/${name}`, content, mode)
  return `Written to ${folder}: ${made.map(({ name }) => name).join(', ')}`
}

/** The same in the place of what another answer had been written to; resolves to names of files. */
export async function replaceSvids(files: CliFiles, answer: X509Answer, folder: string, before: readonly string[]): Promise<readonly string[]> {
  const made = filesOf(answer, Number.parseInt(KEY_MODE, 8))
  for (const { name, content, mode } of made) await files.write(`${folder}/${name}`, content, mode)
  const names = made.map(({ name }) => name)
  for (const name of before) if (!names.includes(name)) await files.remove(`${folder}/${name}`)
  return names
}

function filesOf({ svids, federatedBundles }: X509Answer, keyMode: number): SvidFile[] {
  const federated = Object.entries(federatedBundles).sort(([a], [b]) => (a < b ? -1 : 1))
  return svids.flatMap(({ chain, key, bundle }, at) => [
    { name: `svid.${at}.pem`, content: toPem(certificatesIn(chain)), mode: CERTIFICATE },
    { name: `svid.${at}.key`, content: pem('PRIVATE KEY', key), mode: keyMode },
    { name: `bundle.${at}.pem`, content: toPem(certificatesIn(bundle)), mode: CERTIFICATE },
    ...federated.map(([, other], index) => ({
      name: `federated_bundle.${at}.${index}.pem`,
      content: toPem(certificatesIn(other)),
      mode: CERTIFICATE,
    })),
  ])
}

/** Certificates that follow one another, each by itself. */
export function certificatesIn(der: Buffer): Buffer[] {
  const found: Buffer[] = []
  for (const reader = new DerReader(der); !reader.atEnd; ) found.push(reader.next().whole)
  return found
}
