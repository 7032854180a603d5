// gcp_iit: an instance of Google Cloud shows the identity token that its metadata service made for this server.
import { bool, int, list, or, secret, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isRawNumber, type Json, type JsonObject } from '../../base/json.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import { isSignedBy, parseCompact } from '../../crypto/jws.ts'
import { timeOf } from '../../crypto/jwt-svid.ts'
import { objectOf } from '../go-json.ts'
import { type ComputeAccess, computeInstance, parseServiceAccountKey } from '../google-compute.ts'
import { openJwks } from '../jwks.ts'
import { parseTemplate, type PathTemplate, renderTemplate } from '../path-template.ts'

const TYPE = 'gcp_iit'

const settings = {
  projectid_allow_list: list('Projects whose instances are taken.'),
  agent_path_template: or(
    text('Path of the agent, such as `/gcp_iit/{{ .ProjectID }}/{{ .InstanceName }}`; by project and instance ID otherwise.'),
    '',
  ),
  audience: or(text('Who tokens must be for; agents of SPIRE ask for this one.'), 'spire-gcp-node-attestor'),
  jwks_url: or(text('Where the keys are published.'), 'https://www.googleapis.com/oauth2/v3/certs'),
  use_instance_metadata: or(bool('Ask Compute Engine about the instance, for more selectors.'), false),
  service_account_key: secret(or(text('JSON of the key to ask with; as the account that this server runs as, unless given.'), '')),
  allowed_label_keys: or(list('Labels of instances that become selectors.'), []),
  allowed_metadata_keys: or(list('Metadata of instances that becomes selectors.'), []),
  max_metadata_value_size: or(int('Bytes of a value of metadata, at most.'), 128),
  compute_url: or(text('URL of Compute Engine.'), 'https://compute.googleapis.com'),
  token_url: or(text('Who gives out tokens for it.'), 'https://oauth2.googleapis.com/token'),
}

const ISSUERS: readonly unknown[] = ['https://accounts.google.com', 'accounts.google.com']
/** How far the issuer's clock may be off. */
const LEEWAY_MS = 60_000

interface Config {
  readonly projects: readonly string[]
  readonly template: PathTemplate
  readonly audience: string
  readonly jwksUrl: string
  /** Undefined where Compute Engine is not asked. */
  readonly compute: ComputeAccess | undefined
  readonly labels: readonly string[]
  readonly metadata: readonly string[]
  readonly mostBytes: number
}

const jwks = openJwks()

export const gcpIit = nodeAttestor({
  type: TYPE,
  doc: 'The identity token of an instance of Google Cloud.',
  settings,
  configure,
  parse: (payload) => parseCompact(payload.toString('latin1')),
  async verify(ctx, config, token) {
    if (token.algorithm !== 'RS256') throw new Fault('denied', 'the identity token is signed by an algorithm that Google does not use')
    const key = await jwks.key(ctx.outbound, ctx.clock, config.jwksUrl, token.kid)
    if (!isSignedBy(token, key)) throw new Fault('denied', 'failed to validate the identity token signature')
    checkClaims(ctx, config, token.claims)
    const instance = instanceOf(token.claims)
    if (!config.projects.includes(instance.project)) {
      throw new Fault('denied', `identity token project ID "${instance.project}" is not in the allow list`)
    }
    const { project, zone, name, account } = instance
    const path = renderTemplate(config.template, valuesOf(instance), ctx.trustDomain)
    const selectors = [`project-id:${project}`, `zone:${zone}`, `instance-name:${name}`, ...(account === '' ? [] : [`sa:${account}`])]
    return { path, selectors: [...selectors, ...(await told(ctx, config, instance))], canReattest: false }
  },
})

const FIELDS = { ProjectID: 'text', ProjectNumber: 'text', Zone: 'text', InstanceID: 'text', InstanceName: 'text', ServiceAccount: 'text' } as const

function configure(given: Values<typeof settings>): Config {
  if (given.projectid_allow_list.length === 0) throw new Fault('invalid', 'projectid_allow_list is needed')
  if (given.audience === '') throw new Fault('invalid', 'audience cannot be empty')
  for (const name of ['jwks_url', 'compute_url', 'token_url'] as const) {
    if (URL.parse(given[name])?.protocol !== 'https:') throw new Fault('invalid', `${name} must be an https URL`)
  }
  const more = given.service_account_key !== '' || given.allowed_label_keys.length > 0 || given.allowed_metadata_keys.length > 0
  if (more && !given.use_instance_metadata) throw new Fault('invalid', 'the key, labels and metadata need use_instance_metadata')
  const account = given.service_account_key === '' ? undefined : parseServiceAccountKey(given.service_account_key)
  return {
    projects: given.projectid_allow_list,
    template: parseTemplate(given.agent_path_template || `/${TYPE}/{{ .ProjectID }}/{{ .InstanceID }}`, TYPE, FIELDS),
    audience: given.audience,
    jwksUrl: given.jwks_url,
    compute: given.use_instance_metadata ? { account, compute: given.compute_url.replace(/\/$/, ''), tokens: given.token_url } : undefined,
    labels: given.allowed_label_keys,
    metadata: given.allowed_metadata_keys,
    mostBytes: given.max_metadata_value_size,
  }
}

function checkClaims({ clock }: AttestCtx, { audience }: Config, { aud, exp, iat, nbf, iss }: JsonObject): void {
  const now = clock.now()
  const refused = (why: string) => new Fault('denied', `failed to validate the identity token claims: ${why}`)
  if (!ISSUERS.includes(iss)) throw refused('it is not of Google')
  if (aud !== audience && !(Array.isArray(aud) && aud.includes(audience))) throw refused('it is for another audience')
  const ends = timeOf(exp, 'exp')
  const begins = [timeOf(iat, 'iat'), timeOf(nbf, 'nbf')]
  if (ends === undefined) throw refused('it has no end')
  if (now > ends + LEEWAY_MS) throw refused('it has expired')
  if (begins.some((at) => at !== undefined && at - LEEWAY_MS > now)) throw refused('it is not valid yet')
}

interface Instance {
  readonly project: string
  readonly projectNumber: string
  readonly zone: string
  readonly id: string
  readonly name: string
  readonly account: string
}

/** Only the full form of the token tells of the instance. */
function instanceOf({ google, email }: JsonObject): Instance {
  const engine = objectOf(objectOf(google)['compute_engine'])
  const [project = '', zone = '', id = '', name = ''] = ['project_id', 'zone', 'instance_id', 'instance_name'].map((key) => textOf(engine[key]))
  if (project === '' || zone === '' || id === '' || name === '') throw new Fault('denied', 'the identity token does not tell of an instance')
  return { project, projectNumber: textOf(engine['project_number']), zone, id, name, account: textOf(email) }
}

/** What Compute Engine says of the instance, if it still is the one of the token. */
async function told(ctx: AttestCtx, { compute, labels, metadata, mostBytes }: Config, instance: Instance): Promise<string[]> {
  if (!compute) return []
  const found = await computeInstance(ctx, compute, instance)
  if (textOf(found['id']) !== instance.id) throw new Fault('denied', 'the instance of the identity token is gone')
  const items = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])
  const tags = items(objectOf(found['tags'])['items']).map((tag) => `tag:${textOf(tag)}`)
  const named = Object.entries(objectOf(found['labels'])).filter(([key]) => labels.includes(key))
  const values = items(objectOf(found['metadata'])['items']).map((item) => {
    const { key, value } = objectOf(item)
    return [textOf(key), textOf(value)] as const
  })
  const shown = values.filter(([key]) => metadata.includes(key))
  const long = shown.find(([, value]) => Buffer.byteLength(value) > mostBytes)
  if (long) throw new Fault('denied', `metadata "${long[0]}" exceeded value limit (${mostBytes})`)
  return [...tags, ...named.map(([key, value]) => `label:${key}:${textOf(value)}`), ...shown.map(([key, value]) => `metadata:${key}:${value}`)]
}

function textOf(value: Json | undefined): string {
  if (typeof value === 'number') return String(value)
  return typeof value === 'string' ? value : isRawNumber(value) ? value.rawJSON : ''
}

function valuesOf({ project, projectNumber, zone, id, name, account }: Instance) {
  return {
    ProjectID: project,
    ProjectNumber: projectNumber,
    Zone: zone,
    InstanceID: id,
    InstanceName: name,
    ServiceAccount: account.replaceAll('@', '_'),
  }
}
