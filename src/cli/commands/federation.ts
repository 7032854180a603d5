// `signet federation`: where foreign trust domains publish their bundles, and how fetching them goes.
import { isObject, type Json, type JsonObject } from '../../base/json.ts'
import { ApiError } from '../../client/failure.ts'
import type { Client } from '../../client/client.ts'
import { parseBody } from '../../client/secret.ts'
import { type Command, command, group } from '../command.ts'
import { readFile } from '../data-args.ts'
import { attempt, Failure } from '../failure.ts'
import { type FlagValues, oneOf, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText, goTime } from '../output/text.ts'
import type { Terminal } from '../terminal.ts'
import { domainOf, formatFlag, readText } from './bundle.ts'
import { findAll } from './entry/find.ts'
import { counted } from './entry/print.ts'

const FEDERATION = 'spiffe/federation'

const flags = {
  trustDomain: or(text('Name of the foreign trust domain.'), ''),
  bundleEndpointURL: or(text('Where it publishes its bundle: an https URL.'), ''),
  bundleEndpointProfile: oneOf(text('How the endpoint proves who it is: https_web or https_spiffe.'), 'https_web', 'https_spiffe'),
  endpointSpiffeID: text('The SPIFFE ID of the endpoint, for https_spiffe.'),
  trustDomainBundlePath: text('File with a first bundle, which https_spiffe needs.'),
  trustDomainBundleFormat: formatFlag,
  data: text('File with many relationships as JSON, in place of the flags; - is standard input.'),
}

/** Both make what is said the whole of it. */
function writing(verb: 'create' | 'update', doc: string): Command {
  const when = verb === 'create' ? 'absent' : 'present'
  return command({
    doc,
    about: `
    $ signet federation ${verb} -trustDomain=partner.test -bundleEndpointURL=https://partner.test/bundle -bundleEndpointProfile=https_web`,
    flags,
    output: 'format',
    async run(terminal, { flags: given }) {
      const wanted = given.data === undefined ? [await toRelationship(terminal, given)] : await readRelationships(terminal, given.data)
      const client = await terminal.client()
      const results: { readonly name: string; readonly error?: string; readonly told?: JsonObject }[] = []
      for (const one of wanted) results.push(await write(client, one, when))
      if (terminal.format !== 'table') showObject(terminal, { results: results as unknown as Json })
      for (const { told } of results) if (told && terminal.format === 'table') terminal.print(`\n${relationshipText(told)}`)
      const failed = results.filter(({ error }) => error !== undefined)
      for (const { name, error } of failed)
        terminal.warn(`\nFailed to ${verb} the federation relationship with ${name} (msg: ${JSON.stringify(error)})`)
      return failed.length === 0 ? 0 : 1
    },
  })
}

interface Relationship {
  readonly name: string
  readonly body: JsonObject
}

async function write(client: Client, { name, body }: Relationship, when: 'absent' | 'present') {
  const path = `${FEDERATION}/${name}`
  try {
    const { existed, ...told } = (await client.post(path, { ...body, when }))?.data ?? {}
    return when === 'absent' && existed === true ? { name, error: 'it exists already' } : { name, told }
  } catch (error) {
    if (!(error instanceof ApiError) || (error.status !== 400 && error.status !== 404)) throw error
    return { name, error: error.status === 404 ? 'there is none' : error.errors.join('; ') }
  }
}

async function toRelationship(terminal: Terminal, given: FlagValues<typeof flags>): Promise<Relationship> {
  const bundle = given.trustDomainBundlePath === undefined ? undefined : await readText(terminal, given.trustDomainBundlePath)
  const { trustDomain, bundleEndpointURL, bundleEndpointProfile, endpointSpiffeID, trustDomainBundleFormat } = given
  return checked({
    trustDomain,
    bundleEndpointURL,
    ...(bundleEndpointProfile === undefined ? {} : { bundleEndpointProfile }),
    ...(endpointSpiffeID === undefined ? {} : { endpointSPIFFEID: endpointSpiffeID }),
    ...(bundle === undefined ? {} : { trustDomainBundle: bundle, trustDomainBundleFormat: trustDomainBundleFormat as string }),
  })
}

async function readRelationships(terminal: Terminal, path: string): Promise<Relationship[]> {
  const parsed = parseBody(path === '-' ? await terminal.readStdin() : await readFile(terminal, path))
  const all = isObject(parsed) ? parsed['federationRelationships'] : undefined
  if (!Array.isArray(all) || !all.every(isObject)) throw new Failure(1, `${path} holds no federationRelationships`)
  return all.map(checked)
}

/** The API's name of each member of a relationship, as SPIRE's files have them. */
const MEMBERS: Readonly<Record<string, string>> = {
  bundleEndpointURL: 'bundle_endpoint_url',
  bundleEndpointProfile: 'bundle_endpoint_profile',
  endpointSPIFFEID: 'endpoint_spiffe_id',
  trustDomainBundle: 'bundle',
  trustDomainBundleFormat: 'format',
}

function checked({ trustDomain, ...said }: JsonObject): Relationship {
  if (typeof trustDomain !== 'string' || trustDomain === '') throw new Failure(1, 'trust domain is required')
  if (!said['bundleEndpointURL']) throw new Failure(1, 'bundle endpoint URL is required')
  if (!said['bundleEndpointProfile']) throw new Failure(1, 'bundle endpoint profile is required')
  const unknown = Object.keys(said).find((name) => !Object.hasOwn(MEMBERS, name))
  if (unknown !== undefined) throw new Failure(1, `a federation relationship has no ${JSON.stringify(unknown)}`)
  return { name: domainOf(trustDomain), body: Object.fromEntries(Object.entries(said).map(([name, value]) => [MEMBERS[name] as string, value])) }
}

const list = command({
  doc: 'List federation relationships',
  output: 'format',
  async run(terminal) {
    const found = await findAll(await terminal.client(), FEDERATION, {})
    if (terminal.format !== 'table') return showObject(terminal, { federation_relationships: found })
    terminal.print(`Found ${counted(found.length, 'federation relationship', 'federation relationships')}`)
    for (const one of found) terminal.print(`\n${relationshipText(one)}`)
  },
})

const show = command({
  doc: 'Show a federation relationship',
  about: `
    $ signet federation show -trustDomain=partner.test`,
  flags: { trustDomain: or(text('Name of the foreign trust domain.'), '') },
  output: 'format',
  async run(terminal, { flags: { trustDomain } }) {
    const name = domainOf(trustDomain)
    const client = await terminal.client()
    const found = await attempt('Error reading the federation relationship', () => client.read(`${FEDERATION}/${name}`))
    if (!found?.data) throw new Failure(2, `There is no federation relationship with trust domain ${name}`)
    if (terminal.format !== 'table') return showObject(terminal, found.data)
    terminal.print(`Found a federation relationship with trust domain ${name}:\n\n${relationshipText(found.data)}`)
  },
})

function relationshipText(one: JsonObject): string {
  const line = (title: string, name: string, as = goText): string[] => (one[name] ? [`${title.padEnd(26)}: ${as(one[name])}`] : [])
  return [
    ...line('Trust domain', 'trust_domain'),
    ...line('Bundle endpoint URL', 'bundle_endpoint_url'),
    ...line('Bundle endpoint profile', 'bundle_endpoint_profile'),
    ...line('Endpoint SPIFFE ID', 'endpoint_spiffe_id'),
    ...line('State', 'state'),
    ...line('Last success', 'last_success', (at) => goTime(goText(at))),
    ...line('Last error', 'last_error'),
  ].join('\n')
}

const remove = ending('delete', 'Delete a federation relationship; its bundle stays, and is fetched no more', 'federation relationship deleted.')
const refresh = ending('refresh', 'Fetch the bundle of a foreign trust domain now', 'Bundle refreshed')

function ending(verb: 'delete' | 'refresh', doc: string, done: string): Command {
  return command({
    doc,
    about: `
    $ signet federation ${verb} -id=partner.test`,
    flags: { id: or(text('The foreign trust domain: its name, or its SPIFFE ID.'), '') },
    async run(terminal, { flags: { id } }) {
      const path = `${FEDERATION}/${domainOf(id)}`
      const client = await terminal.client()
      await attempt(verb === 'delete' ? 'Error deleting the federation relationship' : 'Error refreshing the bundle', () =>
        verb === 'delete' ? client.call('DELETE', path) : client.call('POST', `${path}/refresh`),
      )
      terminal.print(done)
    },
  })
}

export const federation = group(
  'Interact with federation relationships',
  {
    create: writing('create', 'Create federation relationships'),
    delete: remove,
    list,
    refresh,
    show,
    update: writing('update', 'Update federation relationships'),
  },
  `
    $ signet federation create -trustDomain=partner.test -bundleEndpointURL=https://partner.test/bundle -bundleEndpointProfile=https_web
    $ signet federation refresh -id=partner.test`,
)
