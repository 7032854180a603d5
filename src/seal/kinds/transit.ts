// `seal "transit"`: a key in the transit engine of another server of this API, which never gives it out.
import { Fault } from '../../base/fault.ts'
import { bool, or, secret, text, type Values } from '../../base/fields.ts'
import { isObject, type Json, parseJson } from '../../base/json.ts'
import type { Clock } from '../../base/ports.ts'
import { readBase64, writeBase64 } from '../../crypto/byte-text.ts'
import { wipeable } from '../../crypto/wipeable.ts'
import { takeTexts } from '../json-texts.ts'
import { KEY_BYTES } from '../keyring.ts'
import type { Wrapper } from '../wrapper.ts'

export const transitShape = {
  address: text('URL of the other server.'),
  token: secret(text('A token that may encrypt and decrypt with the key.')),
  key_name: text('Name of the key.'),
  mount_path: text('Where the transit engine is mounted.'),
  namespace: or(text('Namespace of the engine.'), ''),
  disable_renewal: or(bool('Leave the renewal of the token to others.'), false),
  tls_ca_cert: or(text('PEM file of authorities to trust the other server by.'), ''),
  tls_client_cert: or(text('PEM file of the certificate to show to it.'), ''),
  tls_client_key: or(text('PEM file of the key of that certificate.'), ''),
  tls_server_name: or(text('Name to expect in its certificate.'), ''),
  tls_skip_verify: or(bool('Trust any certificate: gives the token to whoever sits between.'), false),
}

/** Environment variables, by the parameters that they stand in for. */
export const transitEnv = {
  address: ['BAO_ADDR', 'VAULT_ADDR'],
  token: ['BAO_TOKEN', 'VAULT_TOKEN'],
  key_name: ['BAO_TRANSIT_SEAL_KEY_NAME', 'VAULT_TRANSIT_SEAL_KEY_NAME'],
  mount_path: ['BAO_TRANSIT_SEAL_MOUNT_PATH', 'VAULT_TRANSIT_SEAL_MOUNT_PATH'],
  namespace: ['BAO_NAMESPACE', 'VAULT_NAMESPACE'],
  disable_renewal: ['BAO_TRANSIT_SEAL_DISABLE_RENEWAL', 'VAULT_TRANSIT_SEAL_DISABLE_RENEWAL'],
  tls_ca_cert: ['BAO_CACERT', 'VAULT_CACERT'],
  tls_client_cert: ['BAO_CLIENT_CERT', 'VAULT_CLIENT_CERT'],
  tls_client_key: ['BAO_CLIENT_KEY', 'VAULT_CLIENT_KEY'],
  tls_server_name: ['BAO_TLS_SERVER_NAME', 'VAULT_TLS_SERVER_NAME'],
  tls_skip_verify: ['BAO_SKIP_VERIFY', 'VAULT_SKIP_VERIFY'],
}

/** One request in, one whole answer out; rejects where none came. */
export type SealHttp = (request: {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly tls?: {
    readonly ca?: readonly string[]
    readonly cert?: string
    readonly key?: string
    readonly skipVerify?: boolean
    readonly serverName?: string
  }
  readonly timeoutMs: number
}) => Promise<{ readonly status: number; readonly body: Uint8Array }>

export interface TransitPorts {
  readonly send: SealHttp
  readonly readFile: (path: string) => Buffer
  readonly clock: Clock
}

/** A seal must not hang where it stands for another to be asked. */
const TIMEOUT_MS = 10_000

/** Throws `invalid` for parameters that can't be used. */
export function transitSeal(values: Values<typeof transitShape>, ports: TransitPorts): Wrapper {
  const call = openCalls(values, ports)
  const [encrypt, decrypt] = ['encrypt', 'decrypt'].map((what) => `${trimmed(values.mount_path)}/${what}/${encodeURIComponent(values.key_name)}`) as [
    string,
    string,
  ]
  const renewal = openRenewal(call, ports.clock)
  return {
    type: 'transit',
    async wrap(key) {
      const answer = await call('POST', encrypt, plaintextBody(key))
      const { ciphertext } = dataOf(answer)
      const version = typeof ciphertext === 'string' ? /^vault:(v\d+):/.exec(ciphertext)?.[1] : undefined
      if (version === undefined) throw new Error('the answer has no ciphertext')
      return { keyId: version, text: ciphertext as string }
    },
    async unwrap({ text: ciphertext }) {
      const answer = await call('POST', decrypt, Buffer.from(JSON.stringify({ ciphertext })))
      return plaintextOf(answer)
    },
    ...(values.disable_renewal ? {} : { tend: renewal }),
  }
}

type Call = (method: string, path: string, body?: Buffer) => Promise<Buffer>

/** Calls of the API; bodies that are sent are wiped, and what is answered is the caller's to wipe. Rejects for every refusal. */
function openCalls(values: Values<typeof transitShape>, { send, readFile }: TransitPorts): Call {
  const url = URL.parse(values.address)
  if (!url || !/^https?:$/.test(url.protocol)) throw new Fault('invalid', 'address must be a URL: https://…')
  const tls = tlsOf(values, readFile)
  const namespace = trimmed(values.namespace)
  const headers = { 'X-Vault-Request': 'true', 'X-Vault-Token': values.token, ...(namespace === '' ? {} : { 'X-Vault-Namespace': `${namespace}/` }) }
  return async (method, path, body) => {
    try {
      const target = `${url.href.replace(/\/+$/, '')}/v1/${path}`
      const { status, body: answer } = await send({ method, url: target, headers, ...(body ? { body } : {}), tls, timeoutMs: TIMEOUT_MS })
      const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.length)
      if (status >= 200 && status < 300) return bytes
      throw new Error(`${path} answers ${status}: ${reasonOf(bytes)}`)
    } finally {
      body?.fill(0)
    }
  }
}

function tlsOf(values: Values<typeof transitShape>, readFile: TransitPorts['readFile']) {
  const { tls_ca_cert: ca, tls_client_cert: cert, tls_client_key: key, tls_server_name: serverName, tls_skip_verify: skipVerify } = values
  if ((cert === '') !== (key === '')) throw new Fault('invalid', 'tls_client_cert and tls_client_key are needed together, or neither')
  const pem = (path: string) => {
    try {
      return readFile(path).toString()
    } catch (error) {
      throw new Fault('invalid', `${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`)
    }
  }
  return {
    ...(ca === '' ? {} : { ca: [pem(ca)] }),
    ...(cert === '' ? {} : { cert: pem(cert), key: pem(key) }),
    ...(serverName === '' ? {} : { serverName }),
    ...(skipVerify ? { skipVerify } : {}),
  }
}

/** Renews the token when half of its life is over. */
function openRenewal(call: Call, clock: Clock): () => Promise<void> {
  let dueAt: number | undefined
  const next = (ttlSeconds: number) => clock.monotonic() + ttlSeconds * 500
  return async () => {
    if (dueAt === undefined) {
      const { ttl, renewable } = dataOf(await call('GET', 'auth/token/lookup-self'))
      dueAt = renewable === true && typeof ttl === 'number' && ttl > 0 ? next(ttl) : Number.POSITIVE_INFINITY
      return
    }
    if (clock.monotonic() < dueAt) return
    const answer = parseJson(await call('PUT', 'auth/token/renew-self', Buffer.from('{}')))
    const auth = isObject(answer) && isObject(answer['auth']) ? answer['auth'] : {}
    dueAt = typeof auth['lease_duration'] === 'number' && auth['lease_duration'] > 0 ? next(auth['lease_duration']) : Number.POSITIVE_INFINITY
  }
}

/** `{"plaintext":"<base64>"}`, of which no part ever is a string. */
function plaintextBody(key: Uint8Array): Buffer {
  const body = wipeable(4 * Math.ceil(key.length / 3) + 32)
  let end = body.write('{"plaintext":"')
  end = writeBase64(body, end, key)
  end += body.write('"}', end)
  return body.subarray(0, end)
}

function plaintextOf(answer: Buffer): Buffer {
  const texts = takeTexts(answer, 'plaintext', { all: true, depth: 2 })
  try {
    const key = texts.length === 1 ? readBase64(texts[0] as Buffer) : undefined
    if (key?.length !== KEY_BYTES) throw new Error('the answer has no plaintext of the right length')
    return key
  } finally {
    for (const one of texts) one.fill(0)
  }
}

function dataOf(answer: Buffer): Readonly<Record<string, Json>> {
  const parsed = parseJson(answer)
  return isObject(parsed) && isObject(parsed['data']) ? parsed['data'] : {}
}

/** What the other server says of a refusal; nothing that it might have been sent. */
function reasonOf(answer: Buffer): string {
  try {
    const parsed = parseJson(answer)
    const errors = isObject(parsed) && Array.isArray(parsed['errors']) ? parsed['errors'] : []
    return errors.map(String).join('; ').replace(/\s+/g, ' ').slice(0, 200) || 'no reason'
  } catch (error) {
    if (error instanceof Fault) return 'no reason'
    throw error
  }
}

function trimmed(path: string): string {
  return path.replace(/^\/+|\/+$/g, '')
}
