// A trust domain in this process that publishes its bundle over the wire, by either profile.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BundleEndpoint, listenBundle } from '../app/bundle-endpoint.ts'
import { type FetchSettings, openBundleFetch } from '../app/bundle-fetch.ts'
import { openWorld, type World } from './world.ts'

/** A world that fetches bundles, of this trust domain. */
export async function federating(name: string, settings: FetchSettings = { allowLocal: true }): Promise<World> {
  const world = await openWorld({ fetchBundle: openBundleFetch(settings, { now: () => Date.now() }) })
  world.clock.set(Date.now()) // certificates are checked by TLS too, which has the real time
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: name })
  return world
}

export interface Publisher {
  /** Of partner.test. */
  readonly world: World
  readonly bySvid: BundleEndpoint
  /** By a certificate of "localhost", its own authority. */
  readonly byWeb: BundleEndpoint
  readonly webFiles: { readonly certFile: string; readonly keyFile: string }
  /** Puts another certificate in the place of that one. */
  renewCertificate(): void
  close(): Promise<void>
}

export async function openPublisher(): Promise<Publisher> {
  const world = await federating('partner.test')
  const dir = mkdtempSync(join(tmpdir(), 'signet-federation-'))
  const webFiles = { certFile: join(dir, 'web.pem'), keyFile: join(dir, 'web.key') }
  const renewCertificate = () => {
    const key = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost']
    const files = ['-keyout', webFiles.keyFile, '-out', webFiles.certFile]
    execFileSync('openssl', [...key, '-addext', 'subjectAltName=DNS:localhost', ...files], { stdio: 'ignore' })
  }
  renewCertificate()
  const ports = { clock: world.clock, random: { bytes: randomBytes } }
  const address = '127.0.0.1:0'
  const bySvid = await listenBundle({ address, tls: undefined, refreshHint: 77 }, world.kernel, ports)
  const byWeb = await listenBundle({ address, tls: webFiles, refreshHint: 0 }, world.kernel, ports)
  return {
    world,
    bySvid,
    byWeb,
    webFiles,
    renewCertificate,
    async close() {
      await Promise.all([bySvid.close(), byWeb.close()])
      await world.close()
      rmSync(dir, { recursive: true })
    },
  }
}
