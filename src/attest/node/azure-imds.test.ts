import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import type { Outbound, OutboundRequest } from '../../base/outbound.ts'
import { attestBy } from '../../testing/attestation.ts'
import { settableClock } from '../../testing/clock.ts'
import { azureImds } from './azure-imds.ts'

const TENANT = '11111111-1111-4111-8111-111111111111'
const SUBSCRIPTION = '22222222-2222-4222-8222-222222222222'
const VM = '33333333-3333-4333-8333-333333333333'
const ISSUER = 'http://www.microsoft.com/pkiops/certs/middle.crt'

const EC = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

describe('azure_imds', () => {
  let dir: string
  const at = (name: string) => join(dir, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })

  /** Keys and certificates of a root, of one below it, and of signers below that, as Azure has them. */
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'signet-azure-'))
    openssl('req', '-x509', '-newkey', ...EC, '-nodes', '-keyout', at('root.key'), '-out', at('root.pem'), '-subj', '/CN=root')
    issue('middle', 'root', 'basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign')
    for (const [name, issuer, host, place] of [
      ['signer', 'middle', 'eu.metadata.azure.com', ISSUER],
      ['elsewhere', 'middle', 'metadata.azure.com.evil.org', ISSUER],
      ['misled', 'middle', 'metadata.azure.com', 'http://169.254.169.254/x'],
      ['direct', 'root', 'metadata.azure.com', ''],
    ] as const) {
      issue(name, issuer, `subjectAltName=DNS:${host}${place ? `\nauthorityInfoAccess=caIssuers;URI:${place}` : ''}`)
    }
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      at('own.key'),
      '-out',
      at('own.pem'),
      '-subj',
      '/CN=x',
      '-addext',
      'subjectAltName=DNS:metadata.azure.com',
    )
  })
  after(() => rmSync(dir, { recursive: true }))

  function issue(name: string, issuer: string, extensions: string): void {
    writeFileSync(at('extensions'), extensions)
    openssl('req', '-new', '-newkey', ...EC, '-nodes', '-keyout', at(`${name}.key`), '-out', at('csr'), '-subj', `/CN=${name}`)
    const by = ['-CA', at(`${issuer}.pem`), '-CAkey', at(`${issuer}.key`), '-CAcreateserial']
    openssl('x509', '-req', '-in', at('csr'), ...by, '-extfile', at('extensions'), '-out', at(`${name}.pem`))
  }

  function signed(document: JsonObject, by = 'signer', args: string[] = []): string {
    writeFileSync(at('document'), JSON.stringify(document))
    const files = ['-signer', at(`${by}.pem`), '-inkey', at(`${by}.key`), '-in', at('document')]
    return openssl('cms', '-sign', '-nodetach', '-binary', '-outform', 'DER', ...files, ...args).toString('base64')
  }

  const asked: string[] = []
  const microsoft: Outbound = async ({ url, mayReach }: OutboundRequest) => {
    assert.equal(mayReach?.('169.254.169.254'), false)
    asked.push(url)
    return { status: 200, body: url === ISSUER ? openssl('x509', '-in', at('middle.pem'), '-outform', 'DER') : Buffer.alloc(0) }
  }
  const settings = () => ({ tenants: { [TENANT]: { subscriptions: [SUBSCRIPTION] } }, ca_bundle: readFileSync(at('root.pem'), 'utf8') })

  /** What the metadata service says for a nonce, and who signs it. */
  const attest = (signature: (nonce: string) => string, more: JsonObject = {}, outbound = microsoft) =>
    attestBy(azureImds, {
      settings: { ...settings(), ...more },
      payload: Buffer.from('non_empty_payload'),
      ctx: { outbound, clock: settableClock(Date.now() + 60_000) }, // openssl begins certificates at its own time
      answer(nonce) {
        assert.match(nonce, /^[A-Za-z0-9]{32}$/)
        return { document: { encoding: 'pkcs7', signature: signature(nonce) }, metadata: { agentDomain: 'evil.org', vmssName: 'evil' } }
      },
    })

  const good = (nonce: string): JsonObject => ({ nonce, vmId: VM, subscriptionId: SUBSCRIPTION, plan: {}, sku: 'x' })
  const refused = (attempt: Promise<unknown>, code: Fault['code'], why: RegExp) =>
    assert.rejects(attempt, (error) => error instanceof Fault && error.code === code && (assert.match(error.message, why), true))

  test('names the machine by what Azure signed, in the tenant that its subscription is of, whatever the agent says', async () => {
    const found = await attest((nonce) => signed(good(nonce)))
    assert.deepEqual(found, { path: `${TENANT}/${SUBSCRIPTION}/${VM}`, selectors: [`subscription-id:${SUBSCRIPTION}`], canReattest: false })
    assert.deepEqual(asked, [ISSUER])
    const template = '/azure_imds/{{ .VMID }}'
    assert.deepEqual(await attest((nonce) => signed(good(nonce), 'direct'), { agent_path_template: template }), { ...found, path: VM })
  })

  test('tells the signer from others in the bag', async () => {
    const along = (nonce: string) => signed(good(nonce), 'own', ['-certfile', at('signer.pem')])
    await refused(attest(along), 'denied', /unknown authority/)
    await attest((nonce) => signed(good(nonce), 'signer', ['-certfile', at('own.pem')]))
  })

  for (const [why, signature, message] of [
    ['another nonce', () => signed(good('x'.repeat(32))), /nonce mismatch/],
    ['a signer of another domain', (nonce) => signed(good(nonce), 'elsewhere'), /not signed by Azure/],
    ['a signer of nobody', (nonce) => signed(good(nonce), 'own'), /unknown authority/],
    ['a signer whose issuer is said to be elsewhere', (nonce) => signed(good(nonce), 'misled'), /unknown authority/],
    ['no machine', (nonce) => signed({ ...good(nonce), vmId: '..' }), /names no machine/],
    ['no subscription', (nonce) => signed({ ...good(nonce), subscriptionId: '' }), /names no subscription/],
    ['another subscription', (nonce) => signed({ ...good(nonce), subscriptionId: VM }), /is not authorized/],
  ] as [string, (nonce: string) => string, RegExp][]) {
    test(`refuses ${why}`, () => refused(attest(signature), 'denied', message))
  }

  test('refuses what is no signed document, and waits where the certificate between cannot be had', async () => {
    await refused(
      attest(() => ''),
      'invalid',
      /missing signature/,
    )
    await refused(
      attest(() => '*'),
      'invalid',
      /not base64/,
    )
    await refused(
      attest(() => 'AAAA'),
      'invalid',
      /malformed/,
    )
    const away: Outbound = () => Promise.reject(new Error('a secret'))
    await refused(
      attest((nonce) => signed(good(nonce)), {}, away),
      'unavailable',
      /^the certificate that issued Azure's cannot be had$/,
    )
  })

  describe('with what Azure tells', () => {
    const group = `/subscriptions/${SUBSCRIPTION}/resourceGroups/shop/providers`
    const id = `${group}/Microsoft.Compute/virtualMachines/web-1`
    const machine = { id, name: 'web-1', location: 'westeurope', resourceGroup: 'shop', tags: { team: 'web', secret: 'x' } }
    const card = {
      nsg: `${group}/Microsoft.Network/networkSecurityGroups/front`,
      ips: [{ properties: { subnet: { id: `${group}/Microsoft.Network/virtualNetworks/net/subnets/a` } } }, { properties: {} }],
    }
    const tenants = { [TENANT]: { subscriptions: [SUBSCRIPTION], app_id: 'app', app_secret: 'hush', allowed_vm_tags: ['team'] } }

    /** Azure, as far as it is asked here. */
    function azure(machines: JsonObject[] = [machine], status = 200) {
      const said: OutboundRequest[] = []
      const outbound: Outbound = async (request) => {
        if (request.url === ISSUER) return microsoft(request)
        said.push(request)
        const { query = '' } = request.body?.startsWith('{') ? JSON.parse(request.body) : {}
        const data = query.includes('networkinterfaces') ? [card] : machines
        return { status, body: Buffer.from(JSON.stringify(request.url.includes('/token') ? { access_token: 'ya29' } : { data })) }
      }
      return { said, attest: () => attest((nonce) => signed(good(nonce)), { tenants }, outbound) }
    }

    test('names, allowed tags and networks are selectors', async () => {
      const { said, attest: attempt } = azure()
      const { selectors } = await attempt()
      assert.deepEqual(selectors.slice(1), [
        'vm-name:web-1',
        'vm-location:westeurope',
        'resource-group:shop',
        'vm-tag:team:web',
        'network-security-group:shop:front',
        'virtual-network:net',
        'virtual-network-subnet:net:a',
      ])
      assert.equal(said[0]?.url, `https://login.microsoftonline.com/${TENANT}/oauth2/v2.0/token`)
      assert.equal(new URLSearchParams(said[0]?.body).get('client_secret'), 'hush')
      assert.ok(
        said.slice(1).every(({ url, headers }) => url.startsWith('https://management.azure.com/') && headers?.['Authorization'] === 'Bearer ya29'),
      )
      assert.deepEqual(JSON.parse(said[1]?.body ?? '').subscriptions, [SUBSCRIPTION])
      assert.ok(said[1]?.body?.includes(VM))
    })

    test('a machine that Azure does not know, knows twice, or names so that a query would read it, is refused', async () => {
      for (const machines of [[], [machine, machine], [{ ...machine, id: `${id}' or 'a' == 'a` }]]) {
        await refused(azure(machines).attest(), 'denied', /knows of no machine/)
      }
      await refused(azure([machine], 500).attest(), 'unavailable', /^Azure did not tell of the machine$/)
    })

    test('the secret of the application is not shown', () => {
      assert.ok(!JSON.stringify(azureImds.show({ ...settings(), tenants })).includes('hush'))
      assert.ok(JSON.stringify(azureImds.show({ ...settings(), tenants })).includes(SUBSCRIPTION))
    })
  })

  for (const [why, more, message] of [
    ['no tenant', { tenants: {} }, /tenants is needed/],
    ['a tenant by its name', { tenants: { 'example.org': { subscriptions: [SUBSCRIPTION] } } }, /a UUID/],
    ['a tenant without subscriptions', { tenants: { [TENANT]: { subscriptions: [] } } }, /at least one subscription/],
    [
      'a subscription of two tenants',
      { tenants: { [TENANT]: { subscriptions: [SUBSCRIPTION] }, [VM]: { subscriptions: [SUBSCRIPTION] } } },
      /one tenant only/,
    ],
    ['a setting that is unknown', { tenants: { [TENANT]: { subscriptions: [SUBSCRIPTION], token_auth: {} } } }, /unknown settings: token_auth/],
    ['half an application', { tenants: { [TENANT]: { subscriptions: [SUBSCRIPTION], app_id: 'a' } } }, /needed together/],
    ['tags that nobody asks for', { tenants: { [TENANT]: { subscriptions: [SUBSCRIPTION], allowed_vm_tags: ['a'] } } }, /needs app_id/],
    ['tokens that could be read on their way', { login_url: 'http://x' }, /https URL/],
    ['no roots', { ca_bundle: '' }, /no PEM certificates/],
    ['no domain', { allowed_metadata_domains: [] }, /cannot be empty/],
  ] as [string, JsonObject, RegExp][]) {
    test(`is not offered with ${why}`, () => assert.throws(() => azureImds.check({ ...settings(), ...more }), message))
  }
})
