// A JWT-SVID becomes short-lived credentials of a cloud: verified as an OIDC consumer does, exchanged at STS, used for a database token.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose'
import { motoMissing, startMoto } from '../support/moto.ts'
import { type Domain, openDomain } from './domain.ts'

const ISSUER = 'https://id.example.org/v1/spiffe'
const AUDIENCE = 'sts.amazonaws.com'
const ORDERS = 'spiffe://example.org/ns/shop/sa/orders'
const REGION = 'eu-central-1'
const ROLE = 'arn:aws:iam::123456789012:role/orders'

const issuer = (t: TestContext, keyType: string) => openDomain(t, { jwt_issuer: ISSUER, jwt_key_type: keyType })
const tokenOf = async ({ call }: Domain, audience = AUDIENCE): Promise<string> =>
  (await call('POST', 'spiffe/svid/jwt', { spiffe_id: ORDERS, audience })).svid

/** What an OIDC consumer gets at a URL of the issuer. */
const published = ({ address }: Domain, url: string): Promise<Response> => fetch(url.replace(/^https:\/\/id\.example\.org/, address))

/** Everything that it needs to know it learns from the discovery document. */
async function consumer(domain: Domain): Promise<(token: string) => Promise<string | undefined>> {
  const response = await published(domain, `${ISSUER}/.well-known/openid-configuration`)
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  const discovered = (await response.json()) as Record<string, any>
  assert.equal(discovered['issuer'], ISSUER)
  assert.deepEqual(discovered['response_types_supported'], ['id_token'])
  assert.deepEqual(discovered['subject_types_supported'], ['public'])
  const keys = createRemoteJWKSet(new URL(discovered['jwks_uri']), { [customFetch]: (url: string) => published(domain, url), cooldownDuration: 0 })
  const algorithms = discovered['id_token_signing_alg_values_supported'] as string[]
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE, algorithms, requiredClaims: ['exp', 'iat', 'sub'] })
    return payload.sub
  }
}

for (const keyType of ['ec-p256', 'rsa-2048']) {
  test(`an OIDC consumer verifies tokens by what is published, through rotations (${keyType})`, async (t) => {
    const domain = await issuer(t, keyType)
    const verify = await consumer(domain)
    const first = await tokenOf(domain)
    assert.equal(await verify(first), ORDERS)
    await assert.rejects(verify(await tokenOf(domain, 'db')), /unexpected "aud"/)
    await assert.rejects(verify(first.slice(0, -8) + first.slice(-8).split('').reverse().join('')), /signature verification failed/)
    const old = await domain.active('jwt')
    await domain.step('jwt', 'activate', await domain.step('jwt', 'prepare'))
    assert.equal(await verify(await tokenOf(domain)), ORDERS)
    assert.equal(await verify(first), ORDERS)
    await domain.step('jwt', 'revoke', old)
    const after = await consumer(domain)
    assert.equal(await after(await tokenOf(domain)), ORDERS)
    await assert.rejects(after(first), /no applicable key/)
    const { keys } = (await (await published(domain, `${ISSUER}/keys`)).json()) as { keys: Record<string, string>[] }
    for (const key of keys) {
      assert.deepEqual([key['use'], key['alg']], ['sig', keyType === 'ec-p256' ? 'ES256' : 'RS256'])
      assert.ok(key['kid'])
      assert.equal(key['d'], undefined)
    }
  })
}

const skip = motoMissing

interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken: string
  readonly expiration: Date
}

async function assumeRole(endpoint: string, token: string): Promise<Credentials> {
  const asked = { Action: 'AssumeRoleWithWebIdentity', Version: '2011-06-15', RoleArn: ROLE, RoleSessionName: 'orders', WebIdentityToken: token }
  const response = await fetch(endpoint, { method: 'POST', body: new URLSearchParams({ ...asked, DurationSeconds: '900' }) })
  const xml = await response.text()
  assert.equal(response.status, 200, xml)
  const member = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? ''
  return {
    accessKeyId: member('AccessKeyId'),
    secretAccessKey: member('SecretAccessKey'),
    sessionToken: member('SessionToken'),
    expiration: new Date(member('Expiration')),
  }
}

/** SHA-256 as the signer wants it. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as ArrayBuffer))
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {}
}

const signer = (credentials: Credentials, service: string) =>
  new SignatureV4({ credentials, region: REGION, service, sha256: Sha256, applyChecksum: true })

test('STS gives credentials for a token that it was told to trust, and they are those of the role', { skip }, async (t) => {
  const domain = await issuer(t, 'ec-p256')
  const endpoint = await startMoto(t)
  const verify = await consumer(domain)
  const token = await tokenOf(domain)
  assert.equal(await verify(token), ORDERS) // which moto does not do
  const credentials = await assumeRole(endpoint, token)
  const left = credentials.expiration.getTime() - Date.now()
  assert.ok(left > 0 && left <= 901_000, String(left))
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const { hostname, port, host } = new URL(endpoint)
  const headers = { host, 'content-type': 'application/x-www-form-urlencoded' }
  const signed = await signer(credentials, 'sts').sign({ method: 'POST', protocol: 'http:', hostname, port: Number(port), path: '/', headers, body })
  const who = await (await fetch(endpoint, { method: 'POST', headers: signed.headers, body })).text()
  assert.match(who, /<Arn>arn:aws:sts::123456789012:assumed-role\/orders\/orders<\/Arn>/)
  await databaseToken(credentials)
})

/** The password that RDS takes: a presigned URL, checked here as RDS does, by the secret that belongs to the access key. */
async function databaseToken(credentials: Credentials): Promise<void> {
  const query = { Action: 'connect', DBUser: 'orders' }
  const request = {
    method: 'GET',
    protocol: 'https:',
    hostname: 'db.example.org',
    port: 5432,
    path: '/',
    headers: { host: 'db.example.org:5432' },
    query,
  }
  const presigned = await signer(credentials, 'rds-db').presign(request, { expiresIn: 900 })
  const asked = new URLSearchParams(presigned.query as Record<string, string>)
  const signature = asked.get('X-Amz-Signature')
  asked.delete('X-Amz-Signature')
  asked.sort()
  assert.deepEqual([asked.get('Action'), asked.get('DBUser'), asked.get('X-Amz-Expires')], ['connect', 'orders', '900'])
  assert.equal(asked.get('X-Amz-Security-Token'), credentials.sessionToken)
  const scope = (asked.get('X-Amz-Credential') ?? '').split('/')
  assert.deepEqual([scope[0], ...scope.slice(2)], [credentials.accessKeyId, REGION, 'rds-db', 'aws4_request'])
  const empty = createHash('sha256').digest('hex')
  const canonical = ['GET', '/', asked.toString().replaceAll('+', '%20'), 'host:db.example.org:5432', '', 'host', empty].join('\n')
  const told = ['AWS4-HMAC-SHA256', asked.get('X-Amz-Date'), scope.slice(1).join('/'), createHash('sha256').update(canonical).digest('hex')].join(
    '\n',
  )
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const key = scope.slice(1).reduce(hmac as (key: any, text: string) => any, `AWS4${credentials.secretAccessKey}`)
  assert.equal(signature, hmac(key, told).toString('hex'))
}
