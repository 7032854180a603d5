// azure_imds: a machine of Azure shows the document that its metadata service made for the server's nonce, signed by Azure.
import type { X509Certificate } from 'node:crypto'
import { list, object, or, parseShape, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject, type JsonObject } from '../../base/json.ts'
import { isSpecialAddress } from '../../base/special-addresses.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import { verifyPath } from '../../crypto/x509-path.ts'
import { extensionsOf, openCertificate } from '../../crypto/x509-reading.ts'
import { fromPem } from '../../crypto/certificate.ts'
import { type AzureAccess, azureMachine } from '../azure-resources.ts'
import { parseAuthorities } from '../ca-bundle.ts'
import { bytesOf, objectOf, parseMessage, textOf } from '../go-json.ts'
import { parseTemplate, type PathTemplate, renderTemplate } from '../path-template.ts'

const TYPE = 'azure_imds'

const settings = {
  tenants: object('Tenants by their IDs, each with its `subscriptions`, whose machines are taken, and maybe with an application to ask as.'),
  ca_bundle: text("PEM of the roots of Azure's certificates: DigiCert Global Root G2, and those that Azure names besides."),
  allowed_metadata_domains: or(list('Domains of the metadata service, one of which the signer must be in.'), ['metadata.azure.com']),
  agent_path_template: or(text('Path of the agent; by tenant, subscription and machine, unless given.'), ''),
  login_url: or(text('Who gives out tokens for Azure.'), 'https://login.microsoftonline.com'),
  management_url: or(text('URL of Azure Resource Manager.'), 'https://management.azure.com'),
}
const tenantShape = {
  subscriptions: list('IDs of subscriptions.'),
  app_id: or(text('ID of the application to ask Azure as, for more selectors.'), ''),
  app_secret: or(secret(text('Its secret.')), ''),
  allowed_vm_tags: or(list('Tags of machines that become selectors.'), []),
}

interface Tenant {
  readonly id: string
  /** Undefined where Azure is not asked. */
  readonly access: AzureAccess | undefined
  readonly tags: readonly string[]
}

interface Config {
  /** By the subscriptions that are theirs. */
  readonly tenants: ReadonlyMap<string, Tenant>
  readonly roots: readonly X509Certificate[]
  readonly domains: readonly string[]
  readonly template: PathTemplate
}

export const azureImds = nodeAttestor({
  type: TYPE,
  doc: 'The attested document of a machine of Azure.',
  settings,
  configure,
  show: ({ tenants, ...rest }) => ({
    ...rest,
    tenants: Object.fromEntries(Object.entries(objectOf(tenants)).map(([id, one]) => [id, withoutSecret(one)])),
  }),
  parse: () => undefined, // a word without meaning, since agents must say something first
  async *verify(ctx, config) {
    const nonce = alphanumeric(ctx.random.bytes(NONCE_LENGTH * 4))
    const answer = parseMessage(yield Buffer.from(nonce), 'data payload')
    const { vm, subscription } = await verified(ctx, config, signatureOf(answer), nonce)
    const tenant = config.tenants.get(subscription)
    if (tenant === undefined) throw new Fault('denied', `subscription "${subscription}" is not authorized`)
    const path = renderTemplate(config.template, { TenantID: tenant.id, SubscriptionID: subscription, VMID: vm }, ctx.trustDomain)
    return { path, selectors: [`subscription-id:${subscription}`, ...(await told(ctx, tenant, subscription, vm))], canReattest: false }
  },
})

const FIELDS = { TenantID: 'text', SubscriptionID: 'text', VMID: 'text' } as const
const USUAL = `/${TYPE}/{{ .TenantID }}/{{ .SubscriptionID }}/{{ .VMID }}`
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function withoutSecret(tenant: unknown): JsonObject {
  const { app_secret: _, ...shown } = objectOf(tenant as JsonObject)
  return shown
}

function configure(given: Values<typeof settings>): Config {
  for (const name of ['login_url', 'management_url'] as const) {
    if (URL.parse(given[name])?.protocol !== 'https:') throw new Fault('invalid', `${name} must be an https URL`)
  }
  const urls = { login: given.login_url.replace(/\/$/, ''), management: given.management_url.replace(/\/$/, '') }
  const pairs = Object.entries(given.tenants).flatMap(([id, one]) => parseTenant(id, one, urls))
  const tenants = new Map(pairs)
  if (pairs.length === 0) throw new Fault('invalid', 'tenants is needed: an object with the subscriptions of each')
  if (tenants.size !== pairs.length) throw new Fault('invalid', 'a subscription belongs to one tenant only')
  if (given.allowed_metadata_domains.length === 0) throw new Fault('invalid', 'allowed_metadata_domains cannot be empty')
  return {
    tenants,
    roots: parseAuthorities(given.ca_bundle, 'ca_bundle'),
    domains: given.allowed_metadata_domains,
    template: parseTemplate(given.agent_path_template || USUAL, TYPE, FIELDS),
  }
}

/** The tenant, by each of its subscriptions. */
function parseTenant(id: string, given: unknown, urls: Pick<AzureAccess, 'login' | 'management'>): [string, Tenant][] {
  const at = `tenant "${id}"`
  if (!UUID.test(id)) throw new Fault('invalid', `${at} is named by its ID, a UUID`)
  if (!isObject(given as JsonObject)) throw new Fault('invalid', `${at} must be an object`)
  const unknown = Object.keys(given as JsonObject).filter((key) => !Object.hasOwn(tenantShape, key))
  if (unknown.length > 0) throw new Fault('invalid', `${at}: unknown settings: ${unknown.join(', ')} (known: ${Object.keys(tenantShape).join(', ')})`)
  const { subscriptions, app_id: appId, app_secret: appSecret, allowed_vm_tags: tags } = parseShape(tenantShape, given as JsonObject)
  if (subscriptions.length === 0) throw new Fault('invalid', `${at} must have at least one subscription`)
  const bad = subscriptions.find((one) => !UUID.test(one))
  if (bad !== undefined) throw new Fault('invalid', `${at}: subscription "${bad}" is no UUID`)
  if ((appId === '') !== (appSecret === '')) throw new Fault('invalid', `${at}: app_id and app_secret are needed together, or neither`)
  if (tags.length > 0 && appId === '') throw new Fault('invalid', `${at}: allowed_vm_tags needs app_id and app_secret`)
  const access = appId === '' ? undefined : { tenant: id, appId, appSecret, ...urls }
  return subscriptions.map((one) => [one, { id, access, tags }])
}

/** What Azure says of the machine, where it may be asked. */
async function told({ outbound }: AttestCtx, { access, tags }: Tenant, subscription: string, vm: string): Promise<string[]> {
  if (!access) return []
  const machine = await azureMachine(outbound, access, subscription, vm)
  const shown = Object.entries(machine.tags).flatMap(([key, value]) =>
    tags.includes(key) && typeof value === 'string' ? [`vm-tag:${key}:${value}`] : [],
  )
  return [
    `vm-name:${machine.name}`,
    `vm-location:${machine.location}`,
    `resource-group:${machine.resourceGroup}`,
    ...shown,
    ...machine.securityGroups.map((group) => `network-security-group:${group}`),
    ...machine.subnets.flatMap(({ network, name }) => [`virtual-network:${network}`, `virtual-network-subnet:${network}:${name}`]),
  ]
}

const NONCE_LENGTH = 32
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** Bytes from here on are left out, so that every letter is as likely as another. */
const FAIR = 256 - (256 % LETTERS.length)

/** Azure takes no other nonces. Four times the bytes are enough but once in 10^60. */
function alphanumeric(bytes: Buffer): string {
  const fair = Array.from(bytes).filter((byte) => byte < FAIR)
  return Array.from(fair.slice(0, NONCE_LENGTH), (byte) => LETTERS[byte % LETTERS.length]).join('')
}

/** The metadata that comes beside is what the agent says, so it is left unread. */
function signatureOf({ document }: JsonObject): Buffer {
  const signature = isObject(document) ? textOf(document['signature'], 'signature') : ''
  if (signature === '') throw new Fault('invalid', 'missing signature in attested document')
  return bytesOf(signature, 'signature')
}

interface AttestedDocument {
  readonly vm: string
  readonly subscription: string
}

async function verified(ctx: AttestCtx, { roots, domains }: Config, signature: Buffer, nonce: string): Promise<AttestedDocument> {
  const { openSigned } = await import('../../crypto/cms.ts') // with a parser that weighs 16 MB, for those who need it
  const { content, signer, others } = openSigned(signature)
  const isInDomain = (name: string) => domains.some((domain) => name === domain || name.endsWith(`.${domain}`))
  if (!extensionsOf(signer).dnsNames.some(isInDomain)) throw new Fault('denied', "the attested document is not signed by Azure's metadata service")
  verifyPath([signer, ...others, ...(await issuersOf(ctx, signer))], roots, ctx.clock.now())
  const said = parseMessage(content, 'attested document payload')
  const [vm, subscription] = [textOf(said['vmId'], 'vmId'), textOf(said['subscriptionId'], 'subscriptionId')]
  if (textOf(said['nonce'], 'nonce') !== nonce) throw new Fault('denied', 'nonce mismatch')
  if (!UUID.test(vm)) throw new Fault('denied', 'the attested document names no machine')
  if (!UUID.test(subscription)) throw new Fault('denied', 'the attested document names no subscription')
  return { vm, subscription }
}

/** Documents come without the certificate between; Azure's certificates say where that is, and only there it is looked for. */
const ISSUER = /^CA Issuers - URI:(http:\/\/www\.microsoft\.com\/[\w./%-]+)$/m
const TIMEOUT_MS = 10_000
const MAX_CERTIFICATE_BYTES = 16_384

async function issuersOf({ outbound }: AttestCtx, signer: X509Certificate): Promise<X509Certificate[]> {
  const url = ISSUER.exec(signer.infoAccess ?? '')?.[1]
  if (url === undefined) return []
  const request = {
    method: 'GET',
    url,
    timeoutMs: TIMEOUT_MS,
    maxBytes: MAX_CERTIFICATE_BYTES,
    mayReach: (one: string) => !isSpecialAddress(one),
  } as const
  const answer = await outbound(request).catch((): undefined => undefined)
  if (answer?.status !== 200) throw new Fault('unavailable', "the certificate that issued Azure's cannot be had")
  return [openCertificate(fromPem(answer.body.toString('latin1'))[0] ?? answer.body)]
}
