import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { describe, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { OutboundRequest } from '../../base/outbound.ts'
import { isSignedBy, jwkOf, parseCompact, signCompact } from '../../crypto/jws.ts'
import { newSigningKey } from '../../crypto/signing-key.ts'
import { attestBy } from '../../testing/attestation.ts'
import { settableClock } from '../../testing/clock.ts'
import { gcpIit } from './gcp-iit.ts'

const google = newSigningKey('rsa-2048')
const other = newSigningKey('rsa-2048')
const curve = newSigningKey('ec-p256')
const now = Math.floor(settableClock().now() / 1000)
const engine = { project_id: 'shop', project_number: 42, zone: 'eu-west1-b', instance_id: '12345', instance_name: 'web-1' }
const claims = {
  iss: 'https://accounts.google.com',
  aud: 'spire-gcp-node-attestor',
  sub: '1',
  email: 'agent@shop.iam.gserviceaccount.com',
  iat: now,
  exp: now + 3600,
  google: { compute_engine: engine },
}

let urls = 0

/** A server of keys of its own, since keys are kept by where they come from. */
function published(keys: JsonObject[] = [{ ...jwkOf(google.publicKey), kid: 'g1', use: 'sig' }]) {
  const url = `https://keys.example.org/${++urls}`
  const place = { url, asked: 0, keys, status: 200 }
  const outbound = async (request: { readonly url: string }) => {
    assert.equal(request.url, url)
    place.asked++
    return { status: place.status, body: Buffer.from(JSON.stringify({ keys: place.keys })) }
  }
  const clock = settableClock()
  const attest = (token: string, settings: JsonObject = {}) =>
    attestBy(gcpIit, {
      settings: { projectid_allow_list: ['shop'], jwks_url: url, ...settings },
      payload: Buffer.from(token),
      ctx: { outbound, clock },
    })
  return Object.assign(place, { attest, clock })
}

const token = (more: JsonObject = {}, key = google, kid = 'g1') => signCompact(key, kid, { ...claims, ...more })

const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
  assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

describe('gcp_iit', () => {
  test('names the node by project and instance, and trusts it on first use', async () => {
    const found = await published().attest(token())
    assert.deepEqual(found, {
      path: 'shop/12345',
      selectors: ['project-id:shop', 'zone:eu-west1-b', 'instance-name:web-1', 'sa:agent@shop.iam.gserviceaccount.com'],
      canReattest: false,
    })
  })

  test('makes paths by a template', async () => {
    const template = '/gcp_iit/{{ .ProjectNumber }}/{{ .ServiceAccount }}/{{ .InstanceName }}'
    assert.equal((await published().attest(token(), { agent_path_template: template })).path, '42/agent_shop.iam.gserviceaccount.com/web-1')
  })

  for (const [why, text, message] of [
    ['another audience', token({ aud: 'vault' }), /another audience/],
    ['no audience', token({ aud: null }), /another audience/],
    ['another issuer', token({ iss: 'https://accounts.example.org' }), /not of Google/],
    ['a token that ended', token({ exp: now - 61 }), /has expired/],
    ['a token of the future', token({ iat: now + 120 }), /not valid yet/],
    ['another project', token({ google: { compute_engine: { ...engine, project_id: 'evil' } } }), /"evil" is not in the allow list/],
    ['the short form of a token', token({ google: null }), /does not tell of an instance/],
    ['a key that nobody published', token({}, other, 'g2'), /unknown key/],
    ['another key under a known name', token({}, other), /signature/],
    ['an algorithm of another kind of key', token({}, curve), /algorithm/],
    [
      'a claim that was changed',
      token().replace(/\.(.*)\./, `.${Buffer.from(JSON.stringify({ ...claims, sub: '2' })).toString('base64url')}.`),
      /signature/,
    ],
  ] as const) {
    test(`refuses ${why}`, () => refused(published().attest(text), 'denied', message))
  }

  const header = (value: JsonObject) => token().replace(/^[^.]*/, Buffer.from(JSON.stringify(value)).toString('base64url'))
  for (const [why, text] of [
    ['nothing', ''],
    ['no token', 'x'],
    ['a token without a signature', token().replace(/[^.]*$/, '')],
    ['no algorithm', header({ alg: 'none', kid: 'g1' })],
    ['a shared secret', header({ alg: 'HS256', kid: 'g1' })],
    ['a key that it brings along', header({ alg: 'RS256', kid: 'g1', jwk: jwkOf(other.publicKey) })],
    ['no key id', header({ alg: 'RS256' })],
    ['no end', token({ exp: 'never' })],
  ] as const) {
    test(`refuses ${why}`, () => refused(published().attest(text), 'invalid', /token/))
  }

  test('an ID that leads upwards is left to be refused', async () => {
    const found = await published().attest(token({ google: { compute_engine: { ...engine, instance_id: '..' } } }))
    assert.equal(found.path, 'shop/..') // which makes no agent ID
    await refused(published().attest(token({ google: { compute_engine: { ...engine, instance_id: 'a/b' } } })), 'denied', /slash/)
  })

  test('keys are asked for once in an hour, and anew for an unknown one, but not at everyone’s pace', async () => {
    const place = published()
    await place.attest(token())
    await place.attest(token())
    assert.equal(place.asked, 1)
    place.keys.push({ ...jwkOf(other.publicKey), kid: 'g2' })
    const rotated = token({}, other, 'g2')
    await refused(place.attest(rotated), 'denied', /unknown key/)
    assert.equal(place.asked, 1)
    place.clock.advance(60_000)
    await place.attest(rotated)
    assert.equal(place.asked, 2)
    place.keys.length = 0
    await place.attest(token())
    place.clock.advance(3_600_000 - 60_000)
    await place.attest(token())
    place.clock.advance(60_000)
    await refused(place.attest(token()), 'denied', /unknown key|expired/)
    place.status = 500
    place.clock.advance(60_000)
    await refused(place.attest(token()), 'unavailable', /cannot be had/)
  })

  describe('with what Compute Engine tells', () => {
    const account = newSigningKey('rsa-2048')
    const json = JSON.stringify({
      client_email: 'reader@shop.iam.gserviceaccount.com',
      private_key: account.key.export({ format: 'pem', type: 'pkcs8' }),
      private_key_id: 'k1',
    })
    const settings = { use_instance_metadata: true, allowed_label_keys: ['team'], allowed_metadata_keys: ['role'] }
    const known = (): any => ({
      id: '12345',
      tags: { items: ['http', 'eu'] },
      labels: { team: 'web', secret: 'x' },
      metadata: {
        items: [
          { key: 'role', value: 'front' },
          { key: 'ssh-keys', value: 'y' },
        ],
      },
    })

    /** Google, as far as it is asked here. */
    function cloud(instance: any = known()) {
      const asked: OutboundRequest[] = []
      const outbound = async (request: OutboundRequest) => {
        asked.push(request)
        const { url } = request
        const body = url.startsWith('https://keys')
          ? { keys: [{ ...jwkOf(google.publicKey), kid: 'g1' }] }
          : url.includes('token')
            ? { access_token: 'ya29' }
            : instance
        return { status: body === undefined ? 404 : 200, body: Buffer.from(JSON.stringify(body ?? 'a secret')) }
      }
      const attest = (more: JsonObject = {}) =>
        attestBy(gcpIit, {
          settings: { projectid_allow_list: ['shop'], jwks_url: `https://keys.example.org/${++urls}`, ...settings, ...more },
          payload: Buffer.from(token()),
          ctx: { outbound },
        })
      return { asked, attest }
    }

    test('tags, and the labels and metadata that are allowed, are selectors', async () => {
      const { asked, attest } = cloud()
      const { selectors } = await attest({ service_account_key: json })
      assert.deepEqual(selectors.slice(4), ['tag:http', 'tag:eu', 'label:team:web', 'metadata:role:front'])
      const form = new URLSearchParams(asked[1]?.body)
      const assertion = parseCompact(form.get('assertion') ?? '')
      assert.equal(isSignedBy(assertion, createPublicKey(account.key)), true)
      assert.equal(assertion.claims['iss'], 'reader@shop.iam.gserviceaccount.com')
      assert.equal(asked[2]?.url, 'https://compute.googleapis.com/compute/v1/projects/shop/zones/eu-west1-b/instances/web-1')
      assert.equal(asked[2]?.headers?.['Authorization'], 'Bearer ya29')
    })

    test('as the account that the server runs as, without a key', async () => {
      const { asked, attest } = cloud()
      await attest()
      assert.match(asked[1]?.url ?? '', /^http:\/\/metadata\.google\.internal\//)
    })

    test('an instance that was made anew under the name is refused, and so is metadata without end', async () => {
      await refused(cloud({ ...known(), id: '999' }).attest(), 'denied', /is gone/)
      const long = { ...known(), metadata: { items: [{ key: 'role', value: 'x'.repeat(129) }] } }
      await refused(cloud(long).attest(), 'denied', /exceeded value limit/)
    })

    test('nothing of what Google says instead is told', async () => {
      const { attest } = cloud()
      const nothing = cloud(null)
      await refused(nothing.attest(), 'denied', /is gone/)
      const outbound = async ({ url }: OutboundRequest) => ({
        status: url.startsWith('https://keys') ? 200 : 500,
        body: Buffer.from(url.startsWith('https://keys') ? JSON.stringify({ keys: [{ ...jwkOf(google.publicKey), kid: 'g1' }] }) : 'a secret'),
      })
      const attempt = attestBy(gcpIit, {
        settings: { projectid_allow_list: ['shop'], jwks_url: `https://keys.example.org/${++urls}`, ...settings },
        payload: Buffer.from(token()),
        ctx: { outbound },
      })
      await refused(attempt, 'unavailable', /^Google did not tell of the instance$/)
      await attest()
    })

    test('is not offered with what is no key, or with settings that would do nothing', () => {
      const given = { projectid_allow_list: ['a'] }
      for (const key of ['x', '{}', JSON.stringify({ client_email: 'a', private_key: 'b' })]) {
        assert.throws(() => gcpIit.check({ ...given, use_instance_metadata: true, service_account_key: key }), /service_account_key/)
      }
      assert.throws(() => gcpIit.check({ ...given, allowed_label_keys: ['a'] }), /need use_instance_metadata/)
      assert.equal(gcpIit.show({ ...given, service_account_key: json })['service_account_key'], undefined)
    })
  })

  for (const [why, given, message] of [
    ['no project', { projectid_allow_list: [] }, /projectid_allow_list is needed/],
    ['keys that could be exchanged on their way', { projectid_allow_list: 'a', jwks_url: 'http://x' }, /https URL/],
    ['no audience', { projectid_allow_list: 'a', audience: '' }, /audience cannot be empty/],
    ['a template of another attestor', { projectid_allow_list: 'a', agent_path_template: '/x/{{ .Zone }}' }, /must begin with/],
  ] as const) {
    test(`is not offered with ${why}`, () => assert.throws(() => gcpIit.check(given as never), message))
  }
})
