// `signet agent list`, `count`, `show`, `evict` and `ban`: the nodes that attested.
import type { Json, JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { choice, type FlagValues, list as texts, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText, goTime } from '../output/text.ts'
import { findAll, listed, matchFlag, type Query } from './entry/find.ts'
import { counted } from './entry/print.ts'
import { reason, revokedText } from './svid-revoke.ts'

const AGENTS = 'spiffe/agents'

const filters = {
  attestationType: text('Those that attested this way: join_token, x509pop …'),
  selector: texts('Those whose nodes have this selector. May be given many times.'),
  matchSelectorsOn: matchFlag('selectors'),
  banned: choice('Those that are banned; -banned=false for the others.'),
  canReattest: choice('Those that can attest again; -canReattest=false for the others.'),
  expiresBefore: text('Those whose SVID ends before this time: seconds since 1970, RFC 3339, or as SPIRE writes it.'),
}

function toQuery(given: FlagValues<typeof filters>): Query {
  const said = {
    attestation_type: given.attestationType,
    selectors: listed(given.selector),
    selectors_match: given.matchSelectorsOn,
    banned: given.banned === undefined ? undefined : String(given.banned),
    can_reattest: given.canReattest === undefined ? undefined : String(given.canReattest),
    expires_before: given.expiresBefore === undefined ? undefined : toTime(given.expiresBefore),
  }
  return Object.fromEntries(Object.entries(said).filter((pair): pair is [string, string | string[]] => pair[1] !== undefined))
}

/** `2026-01-02 15:04:05 -0700 -07` is RFC 3339 with other spaces. */
function toTime(given: string): string {
  const [, date, time, hours, minutes] = /^(\S+) (\S+) ([+-]\d\d)(\d\d) \S+$/.exec(given.trim()) ?? []
  return date === undefined ? given : `${date}T${time}${hours}:${minutes}`
}

export const list = command({
  doc: 'List attested agents',
  about: `
    $ signet agent list
    $ signet agent list -attestationType=join_token -banned=false`,
  flags: filters,
  output: 'format',
  async run(terminal, { flags }) {
    const agents = await findAll(await terminal.client(), AGENTS, toQuery(flags))
    if (terminal.format !== 'table') return showObject(terminal, { agents })
    if (agents.length === 0) return terminal.print('No attested agents found')
    terminal.print(`Found ${counted(agents.length, 'attested agent', 'attested agents')}:\n`)
    for (const one of agents) terminal.print(agentText(one))
  },
})

export const count = command({
  doc: 'Count attested agents',
  flags: filters,
  output: 'format',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const secret = await attempt('Error counting agents', () => client.read('spiffe/count/agents', toQuery(flags)))
    const number = Number(secret?.data?.['count'] ?? 0)
    if (terminal.format !== 'table') return showObject(terminal, { count: number })
    terminal.print(counted(number, 'attested agent', 'attested agents'))
  },
})

/** As SPIRE's tools have it, an agent is named by a flag. */
const one = { spiffeID: or(text('SPIFFE ID of the agent: spiffe://…/spire/agent/…'), '') }

export const show = command({
  doc: 'Show an attested agent',
  about: `
    $ signet agent show -spiffeID=spiffe://example.org/spire/agent/x509pop/1a2b…`,
  flags: one,
  output: 'format',
  async run(terminal, { flags }) {
    const path = pathOf(flags.spiffeID)
    const client = await terminal.client()
    const found = await attempt('Error reading agent', () => client.read(path))
    if (!found?.data) throw new Failure(2, `No agent has the SPIFFE ID ${flags.spiffeID}`)
    if (terminal.format !== 'table') return showObject(terminal, found.data)
    terminal.print('Found an attested agent given its SPIFFE ID\n')
    terminal.print(agentText(found.data))
    for (const selector of listOf(found.data['selectors'])) terminal.print(`Selectors         : ${goText(selector)}`)
  },
})

export const evict = command({
  doc: 'Evict an agent',
  about: `
Its SVID ends, and it may attest again.

    $ signet agent evict -spiffeID=spiffe://example.org/spire/agent/join_token/1a2b…`,
  flags: one,
  async run(terminal, { flags }) {
    const path = pathOf(flags.spiffeID)
    const client = await terminal.client()
    await attempt('Error evicting agent', () => client.call('DELETE', path))
    terminal.print('Agent evicted successfully')
  },
})

export const ban = command({
  doc: 'Ban an agent',
  about: `
Its SVID ends, and it may not attest again until it is evicted. Its SVIDs and those that were issued
through it are revoked, unless that is switched off.

    $ signet agent ban -spiffeID=spiffe://example.org/spire/agent/join_token/1a2b…`,
  flags: { ...one, revoke: choice('-revoke=false leaves what was issued through it as it is.'), reason },
  async run(terminal, { flags }) {
    const path = pathOf(flags.spiffeID)
    const client = await terminal.client()
    const body = { ...(flags.revoke === undefined ? {} : { revoke: flags.revoke }), ...(flags.reason === undefined ? {} : { reason: flags.reason }) }
    const secret = await attempt('Error banning agent', () => client.post(`${path}/ban`, body))
    for (const warning of secret?.warnings ?? []) terminal.warn(warning)
    terminal.print('Agent banned successfully')
    if (secret?.data) terminal.print(revokedText(secret.data))
  },
})

function pathOf(id: string): string {
  if (id === '') throw new Failure(1, 'a SPIFFE ID is required')
  const path = /^spiffe:\/\/[^/]+\/(.+)$/.exec(id)?.[1]
  if (path === undefined) throw new Failure(1, `${JSON.stringify(id)} is not the SPIFFE ID of an agent`)
  return `${AGENTS}/${path}`
}

function agentText(agent: JsonObject): string {
  const expires = agent['x509svid_expires_at']
  const lines: readonly (readonly [string, string] | undefined)[] = [
    ['SPIFFE ID', goText(agent['id'])],
    ['Attestation type', goText(agent['attestation_type'])],
    ['Expiration time', expires ? goTime(goText(expires)) : 'n/a'],
    agent['banned'] ? ['Banned', 'true'] : ['Serial number', goText(agent['x509svid_serial_number'])],
    ['Can re-attest', goText(agent['can_reattest'])],
    agent['agent_version'] ? ['Agent version', goText(agent['agent_version'])] : undefined,
  ]
  return lines.map((line) => (line ? `${line[0].padEnd(18)}: ${line[1]}\n` : '')).join('')
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : []
}
