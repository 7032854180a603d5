// aws_iid: an instance of EC2 shows the identity document that its metadata service has, signed by AWS; EC2 tells the rest.
import type { X509Certificate } from 'node:crypto'
import { bool, list, or, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import type { JsonObject } from '../../base/json.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import type { Aws, AwsAccess, Ec2Instance } from '../../contract/aws.ts'
import { checkTime } from '../../crypto/x509-reading.ts'
import { parseAuthorities } from '../ca-bundle.ts'
import { bytesOf, parseMessage, textOf } from '../go-json.ts'
import { parseTemplate, type PathTemplate, renderTemplate } from '../path-template.ts'

const TYPE = 'aws_iid'

const settings = {
  certificates: text('PEM of the certificates (RSA-2048) that AWS publishes for the documents of the regions that are taken.'),
  account_ids: or(list('Accounts whose instances are taken; any that the credentials may ask about otherwise.'), []),
  agent_path_template: or(text('Path of the agent, such as `/aws_iid/{{ .Tags.Name }}`; by account, region and instance otherwise.'), ''),
  access_key_id: or(text('Access key to ask EC2 with; credentials as AWS tools find them, unless given.'), ''),
  secret_access_key: secret(or(text('Secret of the access key.'), '')),
  endpoint: or(text('URL of EC2 and IAM, where it is not the public one of the region.'), ''),
  skip_block_device: or(bool('Do not check that the boot volume was attached when the instance was made.'), false),
  account_ids_for_local_validation: or(list('Accounts for whose instances the boot volume is not checked.'), []),
  disable_instance_profile_selectors: or(bool('Do not ask IAM for the roles of the instance.'), false),
}

interface Config {
  readonly certificates: readonly X509Certificate[]
  readonly accounts: readonly string[]
  readonly template: PathTemplate
  readonly access: Omit<AwsAccess, 'region'>
  readonly checksVolume: (account: string) => boolean
  readonly asksRoles: boolean
}

export const awsIid = nodeAttestor({
  type: TYPE,
  doc: 'The identity document of an instance of Amazon EC2.',
  settings,
  configure,
  parse,
  async verify(ctx, config, signed) {
    const document = await verified(ctx, config, signed)
    const { account, region, instance: id } = document
    if (config.accounts.length > 0 && !config.accounts.includes(account)) throw new Fault('denied', `account ${account} is not in the allow list`)
    const aws = await ctx.openAws({ ...config.access, region })
    try {
      const instance = await asked(aws.instance(id))
      if (!instance || instance.ownerId !== account) throw new Fault('denied', `EC2 knows of no instance ${id} of account ${account} that runs`)
      if (config.checksVolume(account)) checkVolume(instance)
      const path = renderTemplate(config.template, { AccountID: account, Region: region, InstanceID: id, Tags: instance.tags }, ctx.trustDomain)
      return { path, selectors: [...selectorsOf(document, instance), ...(await rolesOf(config, aws, instance))], canReattest: false }
    } finally {
      aws.close()
    }
  },
})

const FIELDS = { AccountID: 'text', Region: 'text', InstanceID: 'text', Tags: 'map' } as const
const USUAL = `/${TYPE}/{{ .AccountID }}/{{ .Region }}/{{ .InstanceID }}`

function configure(given: Values<typeof settings>): Config {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, endpoint, account_ids_for_local_validation: local } = given
  if ((accessKeyId === '') !== (secretAccessKey === ''))
    throw new Fault('invalid', 'access_key_id and secret_access_key are needed together, or neither')
  if (endpoint !== '' && !/^https?:/.test(URL.parse(endpoint)?.protocol ?? '')) throw new Fault('invalid', 'endpoint must be a URL: https://…')
  const bad = [...given.account_ids, ...local].find((one) => !ACCOUNT.test(one))
  if (bad !== undefined) throw new Fault('invalid', `"${bad}" is no account: it has twelve digits`)
  return {
    certificates: parseAuthorities(given.certificates, 'certificates'),
    accounts: given.account_ids,
    template: parseTemplate(given.agent_path_template || USUAL, TYPE, FIELDS),
    access: { endpoint: endpoint || undefined, credentials: accessKeyId === '' ? undefined : { accessKeyId, secretAccessKey } },
    checksVolume: (account) => !given.skip_block_device && !local.includes(account),
    asksRoles: !given.disable_instance_profile_selectors,
  }
}

/** The document that comes beside its signature is left unread: the signature holds the document as well. */
function parse(payload: Buffer): Buffer {
  const signed = textOf(parseMessage(payload, 'the attestation data')['rsa2048'], 'rsa2048').replace(/\s+/g, '')
  if (signed === '') throw new Fault('invalid', 'instance identity cryptographic signature is required (rsa2048)')
  return bytesOf(signed, 'rsa2048')
}

interface IdentityDocument {
  readonly account: string
  readonly region: string
  readonly zone: string
  readonly instance: string
  readonly image: string
}

const ACCOUNT = /^\d{12}$/
const SHAPES: Readonly<Record<string, RegExp>> = {
  accountId: ACCOUNT,
  region: /^[a-z]{2,3}(-[a-z]+)+-\d{1,2}$/,
  availabilityZone: /^[a-z0-9-]{1,40}$/,
  instanceId: /^i-[0-9a-f]{8,32}$/,
  imageId: /^ami-[0-9a-f]{8,32}$/,
}

async function verified({ clock }: AttestCtx, { certificates }: Config, signed: Buffer): Promise<IdentityDocument> {
  const { openSigned } = await import('../../crypto/cms.ts') // with a parser that weighs 16 MB, for those who need it
  const { content, signer } = openSigned(signed, certificates)
  if (!certificates.includes(signer)) throw new Fault('denied', 'the identity document is signed by none of the certificates')
  checkTime(signer, clock.now())
  const said = parseMessage(content, 'the instance identity document')
  const [account, region, zone, instance, image] = Object.keys(SHAPES).map((name) => shaped(said, name)) as [string, string, string, string, string]
  return { account, region, zone, instance, image }
}

function shaped(document: JsonObject, name: string): string {
  const value = textOf(document[name], name)
  if (!SHAPES[name]?.test(value)) throw new Fault('denied', `the identity document has no ${name}`)
  return value
}

/** What AWS says of its own troubles is for the log of AWS, not for the node. */
async function asked<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error: unknown) => {
    throw error instanceof Fault ? error : new Fault('unavailable', 'AWS did not answer')
  })
}

const MOST_BETWEEN_MS = 60_000

/** A volume of elsewhere, put into a machine whose document it wants to show, was attached after the machine was made. */
function checkVolume({ rootDeviceType, rootDeviceName, volumes, interfaces }: Ec2Instance): void {
  const made = interfaces.find(({ index }) => index === 0)?.attachedAt
  if (made === undefined) throw new Fault('denied', 'the network interface of the instance with index 0 is inaccessible')
  if (rootDeviceType === 'instance-store') return
  const attached = volumes.find(({ device }) => device === rootDeviceName)?.attachedAt
  if (attached === undefined) throw new Fault('denied', 'the boot volume of the instance cannot be found')
  if (Math.abs(made - attached) > MOST_BETWEEN_MS)
    throw new Fault('denied', 'the boot volume was attached at another time than the instance was made')
}

function selectorsOf({ account, region, zone, instance, image }: IdentityDocument, { tags, securityGroups }: Ec2Instance): string[] {
  return [
    `account_id:${account}`,
    `region:${region}`,
    `az:${zone}`,
    `instance:id:${instance}`,
    `image:id:${image}`,
    ...Object.entries(tags).map(([key, value]) => `tag:${key}:${value}`),
    ...securityGroups.flatMap(({ id, name }) => [`sg:id:${id}`, `sg:name:${name}`]),
  ]
}

async function rolesOf({ asksRoles }: Config, aws: Aws, { profile }: Ec2Instance): Promise<string[]> {
  const name = profile?.split('/').at(-1)
  if (!asksRoles || name === undefined) return []
  return (await asked(aws.roles(name))).map((role) => `iamrole:${role}`)
}
