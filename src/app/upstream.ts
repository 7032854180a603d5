// Upstream authorities for real: one whose key is on this machine, the pki engine of another server, or another SPIFFE server.
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isObject, parseJson } from '../base/json.ts'
import type { Ports } from '../base/ports.ts'
import { fileProblem } from '../cli/failure.ts'
import { fromPem, issueCertificate, pem, subjectOf } from '../crypto/certificate.ts'
import { type SigningKey, signingKeyOf } from '../crypto/signing-key.ts'
import type { Upstream, UpstreamAnswer, UpstreamRequest } from '../spiffe/upstream.ts'
import { sendRequest } from './cli-request.ts'
import type { UpstreamConfig } from './config/spiffe.ts'
import { openUpstreamServer } from './upstream-server.ts'

type Of<K> = Extract<UpstreamConfig, { readonly kind: K }>

export function openUpstream(config: UpstreamConfig, ports: Pick<Ports, 'clock' | 'random'>): Upstream {
  if (config.kind === 'disk') return { sign: async (request) => signHere(config, request, ports) }
  if (config.kind === 'vault') return { sign: (request) => signThere(config, request) }
  return openUpstreamServer(config, ports.clock)
}

/** A consumer's clock may lag (RFC 5280 §4.1.2.5). */
const BACKDATED = 10_000

function signHere(
  { certFile, keyFile, bundleFile }: Of<'disk'>,
  request: UpstreamRequest,
  { clock, random }: Pick<Ports, 'clock' | 'random'>,
): UpstreamAnswer {
  const certificates = certificatesIn(certFile)
  const [own] = certificates
  if (!own) throw new Error(`${certFile} holds no certificate in PEM`)
  const issuer = new X509Certificate(own)
  const key = keyIn(keyFile)
  if (!issuer.checkPrivateKey(key.key)) throw new Error(`${keyFile} is not the key of the certificate in ${certFile}`)
  const roots = bundleFile === undefined ? [own] : certificatesIn(bundleFile)
  if (bundleFile === undefined && !issuer.checkIssued(issuer)) throw new Error(`the certificate in ${certFile} is no root: bundle_file is needed`)
  const now = clock.now()
  const spec = {
    ...{ subject: request.subject, publicKey: request.publicKey, uris: request.uris, dnsNames: [], authority: true },
    ...{ notBefore: now - BACKDATED, notAfter: Math.min(now + request.ttl * 1000, issuer.validToDate.getTime()) },
  }
  const signed = issueCertificate(spec, { key, name: subjectOf(own) }, random)
  return { chain: bundleFile === undefined ? [signed] : [signed, ...certificates], roots }
}

function keyIn(path: string): SigningKey {
  const key = attempt(`${path} holds no private key in PEM that needs no passphrase`, () => createPrivateKey(read(path)))
  const found = signingKeyOf(key)
  if (!found) throw new Error(`the key in ${path} is of a kind that is not offered`)
  return found
}

function certificatesIn(path: string): Buffer[] {
  return fromPem(read(path).toString())
}

function read(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new Error(`${path}: ${fileProblem(error)}`, { cause: error })
  }
}

function attempt<T>(problem: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof Error && error.cause ? error : new Error(problem, { cause: error })
  }
}

const TIMEOUT_MS = 20_000

/** By `root/sign-intermediate` of the pki engine (Vault's API documentation, "Sign intermediate"). */
async function signThere({ address, mount, tokenFile, namespace, caFile }: Of<'vault'>, request: UpstreamRequest): Promise<UpstreamAnswer> {
  const path = `${mount}/root/sign-intermediate`
  const input = { csr: pem('CERTIFICATE REQUEST', request.csr), ttl: `${request.ttl}s`, format: 'pem', use_csr_values: true }
  const { status, body } = await sendRequest({
    method: 'POST',
    url: `${address}/v1/${path}`,
    headers: {
      'X-Vault-Request': 'true',
      'X-Vault-Token': read(tokenFile).toString().trim(),
      ...(namespace === '' ? {} : { 'X-Vault-Namespace': namespace }),
    },
    body: Buffer.from(JSON.stringify(input)),
    ...(caFile === undefined ? {} : { tls: { ca: [read(caFile).toString()] } }),
    timeoutMs: TIMEOUT_MS,
  })
  if (status !== 200) throw new Error(`${path} answers ${status}`)
  return answerOf(body)
}

/** The last certificate of the chain is the root; of a chain that is missing, the issuer. */
function answerOf(body: Uint8Array): UpstreamAnswer {
  const parsed = parseJson(body)
  const data = isObject(parsed) && isObject(parsed['data']) ? parsed['data'] : {}
  const { certificate, ca_chain: chain, issuing_ca: issuer } = data
  const above = (Array.isArray(chain) && chain.length > 0 ? chain : [issuer]).flatMap((one) => fromPem(typeof one === 'string' ? one : ''))
  const own = fromPem(typeof certificate === 'string' ? certificate : '')
  const [signed] = own
  const root = above.at(-1)
  if (!signed || !root) throw new Error('the answer has no certificate')
  const between = above.filter((one) => !one.equals(signed) && !one.equals(root)) // some servers begin with what they signed
  return { chain: [signed, ...between], roots: [root] }
}
