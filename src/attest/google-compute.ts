// What Google's Compute Engine API tells of an instance: asked as a service account, by its key or as the one this server runs as.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { type JsonObject, parseJson } from '../base/json.ts'
import type { Outbound, OutboundRequest } from '../base/outbound.ts'
import type { Clock } from '../base/ports.ts'
import { objectOf, parseMessage, textOf } from './go-json.ts'

/** A service account's key, as Google gives it out in JSON. */
export interface ServiceAccountKey {
  readonly email: string
  readonly key: KeyObject
  readonly keyId: string
}

export interface ComputeAccess {
  /** Undefined for the account that this server runs as. */
  readonly account: ServiceAccountKey | undefined
  /** URLs of the API, and of who gives out tokens for it. */
  readonly compute: string
  readonly tokens: string
}

const METADATA_TOKEN = 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token'
const SCOPE = 'https://www.googleapis.com/auth/compute.readonly'
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const TOKEN_SECONDS = 300
const TIMEOUT_MS = 10_000
const MAX_BYTES = 1 << 20

/** Throws `invalid` for what is no key of a service account. */
export function parseServiceAccountKey(json: string): ServiceAccountKey {
  const said = parseMessage(Buffer.from(json), 'service_account_key')
  const [email, pem, keyId] = ['client_email', 'private_key', 'private_key_id'].map((name) => textOf(said[name], name)) as [string, string, string]
  try {
    const key = createPrivateKey(pem)
    if (email !== '' && key.asymmetricKeyType === 'rsa') return { email, key, keyId }
  } catch {
    // falls through: it is no key
  }
  throw new Fault('invalid', 'service_account_key is not the JSON of a key of a service account')
}

/** The instance as the API describes it. Throws `unavailable` where it is not told. */
export async function computeInstance(
  { outbound, clock }: { readonly outbound: Outbound; readonly clock: Clock },
  access: ComputeAccess,
  { project, zone, name }: { readonly project: string; readonly zone: string; readonly name: string },
): Promise<JsonObject> {
  const ask = (request: Pick<OutboundRequest, 'url'> & Partial<OutboundRequest>) => asked(outbound, request)
  const { account, compute, tokens } = access
  const token = account
    ? await ask(bearerRequest(account, tokens, clock.now()))
    : await ask({ url: METADATA_TOKEN, headers: { 'Metadata-Flavor': 'Google' } })
  const [at, in_, called] = [project, zone, name].map(encodeURIComponent)
  const url = `${compute}/compute/v1/projects/${at}/zones/${in_}/instances/${called}`
  return ask({ url, headers: { Authorization: `Bearer ${textOf(token['access_token'], 'access_token')}` } })
}

/** RFC 7523: a token for a token that the key signed. */
function bearerRequest({ email, key, keyId }: ServiceAccountKey, audience: string, now: number) {
  const issuedAt = Math.floor(now / 1000)
  const part = (value: JsonObject) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: email, scope: SCOPE, aud: audience, iat: issuedAt, exp: issuedAt + TOKEN_SECONDS }
  const signed = `${part({ alg: 'RS256', typ: 'JWT', kid: keyId })}.${part(claims)}`
  const assertion = `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  return { method: 'POST', url: audience, headers, body: new URLSearchParams({ grant_type: GRANT, assertion }).toString() } as const
}

/** What Google says of its own troubles is not for the node. */
async function asked(outbound: Outbound, request: Pick<OutboundRequest, 'url'> & Partial<OutboundRequest>): Promise<JsonObject> {
  const answer = await outbound({ method: 'GET', timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, ...request }).catch((): undefined => undefined)
  if (answer?.status !== 200) throw new Fault('unavailable', 'Google did not tell of the instance')
  try {
    return objectOf(parseJson(answer.body))
  } catch {
    throw new Fault('unavailable', 'Google did not tell of the instance')
  }
}
