import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { AwsAccess, Ec2Instance } from '../../contract/aws.ts'
import { attestBy } from '../../testing/attestation.ts'
import { settableClock } from '../../testing/clock.ts'
import { awsIid } from './aws-iid.ts'

const DOCUMENT = {
  accountId: '123456789012',
  region: 'eu-central-1',
  availabilityZone: 'eu-central-1a',
  instanceId: 'i-0123456789abcdef0',
  imageId: 'ami-0123456789abcdef0',
  pendingTime: '2026-01-01T00:00:00Z',
}
const MADE = Date.UTC(2026, 0, 1)

describe('aws_iid', () => {
  let dir: string
  let certificates: string
  /** What EC2 knows; it can be asked about nothing else. */
  let instance: { -readonly [K in keyof Ec2Instance]: Ec2Instance[K] }
  let access: AwsAccess | undefined
  /** Clients that were not let go of. */
  let opened = 0
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-aws-'))
    for (const name of ['region', 'stranger']) {
      const args = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        join(dir, `${name}.key`),
        '-out',
        join(dir, `${name}.pem`),
        '-subj',
        '/CN=aws',
      ]
      execFileSync('openssl', args, { stdio: 'ignore' })
    }
    certificates = readFileSync(join(dir, 'region.pem'), 'utf8')
  })
  after(() => rmSync(dir, { recursive: true }))
  afterEach(() => assert.equal(opened, 0))
  beforeEach(() => {
    access = undefined
    instance = {
      ownerId: DOCUMENT.accountId,
      tags: { Name: 'web-1', 'aws:stack': 'shop' },
      securityGroups: [{ id: 'sg-0a', name: 'web' }],
      profile: 'arn:aws:iam::123456789012:instance-profile/path/agents',
      rootDeviceType: 'ebs',
      rootDeviceName: '/dev/xvda',
      volumes: [
        { device: '/dev/sdb', attachedAt: MADE + 1e9 },
        { device: '/dev/xvda', attachedAt: MADE + 1000 },
      ],
      interfaces: [
        { index: 1, attachedAt: MADE + 1e9 },
        { index: 0, attachedAt: MADE },
      ],
    }
  })

  /** As the metadata service gives it: PKCS #7 in base64, in lines, without certificates. */
  function signed(document: JsonObject | string = DOCUMENT, by = 'region', args: string[] = ['-nocerts']): string {
    writeFileSync(join(dir, 'document'), typeof document === 'string' ? document : JSON.stringify(document))
    const files = ['-signer', join(dir, `${by}.pem`), '-inkey', join(dir, `${by}.key`), '-in', join(dir, 'document')]
    const der = execFileSync('openssl', ['smime', '-sign', '-nodetach', '-binary', '-outform', 'DER', ...files, ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')
  }

  const attest = (rsa2048: string, more: JsonObject = {}, document = '{}') =>
    attestBy(awsIid, {
      settings: { certificates, ...more },
      payload: { document, signature: '', rsa2048 },
      ctx: {
        clock: settableClock(Date.now() + 60_000), // openssl begins certificates at its own time
        async openAws(given) {
          access = given
          opened++
          return {
            instance: async (id) => (id === DOCUMENT.instanceId ? instance : undefined),
            roles: async (name) => (name === 'agents' ? ['arn:aws:iam::123456789012:role/agent'] : []),
            close: () => void opened--,
          }
        },
      },
    })

  const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
    assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

  test('names the node by what is signed, and tells of it what EC2 knows', async () => {
    const { path, selectors, canReattest } = await attest(signed())
    assert.deepEqual([path, canReattest], ['123456789012/eu-central-1/i-0123456789abcdef0', false])
    assert.deepEqual(selectors, [
      'account_id:123456789012',
      'region:eu-central-1',
      'az:eu-central-1a',
      'instance:id:i-0123456789abcdef0',
      'image:id:ami-0123456789abcdef0',
      'tag:Name:web-1',
      'tag:aws:stack:shop',
      'sg:id:sg-0a',
      'sg:name:web',
      'iamrole:arn:aws:iam::123456789012:role/agent',
    ])
    assert.equal(access?.region, 'eu-central-1')
  })

  test('never looks at the document that comes beside the signature', async () => {
    const beside = JSON.stringify({ ...DOCUMENT, instanceId: 'i-aaaaaaaaaaaaaaaaa', accountId: '999999999999' })
    assert.equal((await attest(signed(), {}, beside)).path, '123456789012/eu-central-1/i-0123456789abcdef0')
  })

  test('makes paths by a template, of tags as well, which must be there', async () => {
    const more = { agent_path_template: '/aws_iid/{{ .Tags.Name }}/{{ index .Tags "aws:stack" }}', disable_instance_profile_selectors: true }
    const found = await attest(signed(), more)
    assert.equal(found.path, 'web-1/shop')
    assert.ok(!found.selectors.some((one) => one.startsWith('iamrole:')))
    instance.tags = { Name: '../x', 'aws:stack': 'shop' }
    await refused(attest(signed(), more), 'denied', /slash/)
    instance.tags = {}
    await refused(attest(signed(), more), 'denied', /the node has no Tags Name/)
  })

  for (const [why, text] of [
    ['another signer', () => signed(DOCUMENT, 'stranger')],
    ['another signer that brings its certificate', () => signed(DOCUMENT, 'stranger', [])],
    ['another signer with the right certificate in the bag', () => signed(DOCUMENT, 'stranger', ['-certfile', join(dir, 'region.pem')])],
  ] as const) {
    test(`refuses a document by ${why}`, () => assert.rejects(attest(text()), /signed by none|none of the certificates/))
  }

  for (const [why, document] of [
    ['an instance that leads elsewhere', { ...DOCUMENT, instanceId: '../../x' }],
    ['a region that is a host', { ...DOCUMENT, region: 'evil.example.org/' }],
    ['no account', { ...DOCUMENT, accountId: null }],
  ] as [string, JsonObject][]) {
    test(`refuses a document of ${why}`, () => refused(attest(signed(document)), 'denied', /has no/))
  }

  test('refuses a payload without the signature of 2048 bits, or with what is none', async () => {
    await refused(attest(''), 'invalid', /signature is required/)
    await refused(attest('*'), 'invalid', /not base64/)
    await refused(attest('AAAA'), 'invalid', /malformed/)
    await refused(attest(signed('no JSON')), 'invalid', /unmarshal/)
  })

  test('refuses an instance that EC2 does not know, that is of another account, or that is not in the list', async () => {
    await refused(attest(signed({ ...DOCUMENT, instanceId: 'i-aaaaaaaaaaaaaaaaa' })), 'denied', /knows of no instance/)
    await refused(attest(signed(), { account_ids: '999999999999' }), 'denied', /not in the allow list/)
    await attest(signed(), { account_ids: '999999999999,123456789012' })
    instance.ownerId = '999999999999'
    await refused(attest(signed()), 'denied', /knows of no instance/)
  })

  test('refuses a boot volume that was put in later, unless it is told not to look', async () => {
    instance.volumes = [{ device: '/dev/xvda', attachedAt: MADE + 60_001 }]
    await refused(attest(signed()), 'denied', /attached at another time/)
    await attest(signed(), { skip_block_device: true })
    await attest(signed(), { account_ids_for_local_validation: DOCUMENT.accountId })
    instance.volumes = []
    await refused(attest(signed()), 'denied', /cannot be found/)
    instance.rootDeviceType = 'instance-store'
    await attest(signed())
    instance.interfaces = []
    await refused(attest(signed()), 'denied', /index 0 is inaccessible/)
  })

  test('says that AWS does not answer, and nothing of what it says instead', () => {
    const openAws = async () => ({ instance: () => Promise.reject(new Error('a secret')), roles: async () => [], close() {} })
    const payload = { document: '', signature: '', rsa2048: signed() }
    const ctx = { openAws, clock: settableClock(Date.now() + 60_000) }
    return refused(attestBy(awsIid, { settings: { certificates }, payload, ctx }), 'unavailable', /^AWS did not answer$/)
  })

  test('refuses a certificate of AWS that has ended', () => {
    const payload = { document: '', signature: '', rsa2048: signed() }
    return refused(
      attestBy(awsIid, { settings: { certificates }, payload, ctx: { clock: settableClock(Date.now() + 1e10) } }),
      'invalid',
      /has expired/,
    )
  })

  for (const [why, given, message] of [
    ['no certificates', () => ({ certificates: '' }), /no PEM certificates/],
    ['half a pair of credentials', () => ({ certificates, access_key_id: 'a' }), /needed together/],
    ['what is no account', () => ({ certificates, account_ids: 'shop' }), /twelve digits/],
    ['what is no URL', () => ({ certificates, endpoint: 'x' }), /must be a URL/],
    ['a template of another attestor', () => ({ certificates, agent_path_template: '/x/{{ .Region }}' }), /must begin with/],
  ] as const) {
    test(`is not offered with ${why}`, () => assert.throws(() => awsIid.check(given()), message))
  }

  test('shows no secret', () => {
    assert.deepEqual(awsIid.show({ certificates, access_key_id: 'a', secret_access_key: 's' }), { certificates, access_key_id: 'a' })
  })
})
