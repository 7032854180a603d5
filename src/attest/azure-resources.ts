// What Azure's Resource Graph tells of a machine: asked as an application of its tenant.
import { Fault } from '../base/fault.ts'
import { type Json, type JsonObject, parseJson } from '../base/json.ts'
import type { Outbound, OutboundRequest } from '../base/outbound.ts'
import { objectOf, textOf } from './go-json.ts'

export interface AzureAccess {
  readonly tenant: string
  readonly appId: string
  readonly appSecret: string
  /** URLs of who gives out tokens, and of the API. */
  readonly login: string
  readonly management: string
}

export interface AzureMachine {
  readonly name: string
  readonly location: string
  readonly resourceGroup: string
  readonly tags: JsonObject
  /** `<resource group>:<name>` each. */
  readonly securityGroups: readonly string[]
  readonly subnets: readonly { readonly network: string; readonly name: string }[]
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 1 << 20
const GRAPH = '/providers/Microsoft.ResourceGraph/resources?api-version=2021-03-01'
/** Of a resource, with nothing in it that a query would read as its own. */
const RESOURCE = /^\/subscriptions\/[\w.()/-]+$/i
const SECURITY_GROUP = /\/resourceGroups\/([^/]+)\/providers\/Microsoft\.Network\/networkSecurityGroups\/([^/]+)$/i
const SUBNET = /\/virtualNetworks\/([^/]+)\/subnets\/([^/]+)$/i

/** `vm` and `subscription` are UUIDs. Throws `unavailable` where Azure does not tell, `denied` where it knows of no such machine. */
export async function azureMachine(outbound: Outbound, access: AzureAccess, subscription: string, vm: string): Promise<AzureMachine> {
  const token = await tokenOf(outbound, access)
  const query = async (text: string): Promise<JsonObject[]> => {
    const body = JSON.stringify({ subscriptions: [subscription], query: text, options: { resultFormat: 'objectArray' } })
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
    return items((await asked(outbound, { method: 'POST', url: access.management + GRAPH, headers, body }))['data']).map(objectOf)
  }
  const columns = 'id, name, location, tags, resourceGroup'
  const found = await query(
    `resources | where type =~ 'microsoft.compute/virtualmachines' | where tostring(properties.vmId) =~ '${vm}' | project ${columns}`,
  )
  const [machine] = found
  const id = textOf(machine?.['id'], 'id')
  if (!machine || found.length > 1 || !RESOURCE.test(id)) throw new Fault('denied', `Azure knows of no machine ${vm} in subscription ${subscription}`)
  const cards = `resources | where type =~ 'microsoft.network/networkinterfaces' | where tostring(properties.virtualMachine.id) =~ '${id}'`
  const parts = (await query(`${cards} | project nsg = properties.networkSecurityGroup.id, ips = properties.ipConfigurations`)).map(cardOf)
  return {
    name: textOf(machine['name'], 'name'),
    location: textOf(machine['location'], 'location'),
    resourceGroup: textOf(machine['resourceGroup'], 'resourceGroup'),
    tags: objectOf(machine['tags']),
    securityGroups: parts.flatMap(({ groups }) => groups),
    subnets: parts.flatMap(({ subnets }) => subnets),
  }
}

async function tokenOf(outbound: Outbound, { tenant, appId, appSecret, login, management }: AzureAccess): Promise<string> {
  const form = { grant_type: 'client_credentials', client_id: appId, client_secret: appSecret, scope: `${management}/.default` }
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const body = new URLSearchParams(form).toString()
  return textOf(
    (await asked(outbound, { method: 'POST', url: `${login}/${tenant}/oauth2/v2.0/token`, headers, body }))['access_token'],
    'access_token',
  )
}

function cardOf({ nsg, ips }: JsonObject) {
  const [, group, name] = SECURITY_GROUP.exec(textOf(nsg, 'nsg')) ?? []
  const ids = items(ips).map((one) => textOf(objectOf(objectOf(objectOf(one)['properties'])['subnet'])['id'], 'subnet'))
  const subnets = ids.flatMap((id) => {
    const [, network, subnet] = SUBNET.exec(id) ?? []
    return network === undefined || subnet === undefined ? [] : [{ network, name: subnet }]
  })
  return { groups: group === undefined ? [] : [`${group}:${name}`], subnets }
}

const items = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

/** What Azure says of its own troubles is not for the node. */
async function asked(outbound: Outbound, request: Pick<OutboundRequest, 'url' | 'method' | 'headers' | 'body'>): Promise<JsonObject> {
  const answer = await outbound({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, ...request }).catch((): undefined => undefined)
  if (answer?.status !== 200) throw new Fault('unavailable', 'Azure did not tell of the machine')
  try {
    return objectOf(parseJson(answer.body))
  } catch {
    throw new Fault('unavailable', 'Azure did not tell of the machine')
  }
}
