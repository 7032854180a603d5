// `signet agent api`: what an agent gives to the process that asks, as any workload would ask it.
import { X509Certificate } from 'node:crypto'
import { command, group } from '../command.ts'
import { Failure } from '../failure.ts'
import { also, list, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import type { JwtAnswer, X509Answer } from '../ports.ts'
import type { Terminal } from '../terminal.ts'
import { asking, socketFlags } from './agent-socket.ts'
import { certificatesIn, KEY_MODE, writeSvids } from './agent-svids.ts'
import { fetchWit } from './agent-wit.ts'

export const tokenFlags = {
  audience: list('Who the token is for. May be given many times.'),
  'spiffe-id': also(or(text('The identity, where there are several; all of them otherwise.'), ''), 'spiffeID'),
}
export const writeFlag = { write: or(text('Folder to write certificates, keys and bundles to.'), '') }

const x509 = command({
  doc: "Fetch this process's X509-SVIDs",
  about: `
    $ signet agent api fetch x509 -write=/run/certs`,
  local: true,
  flags: { ...socketFlags, ...writeFlag },
  output: 'format',
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      for await (const answer of workloadApi.watchX509()) return give(terminal, answer, flags.write)
      throw new Failure(2, 'the agent gave no answer')
    }),
})

const watch = command({
  doc: "Print this process's X509-SVIDs again and again, as they are renewed",
  local: true,
  flags: { ...socketFlags, ...writeFlag },
  output: 'format',
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      for await (const answer of workloadApi.watchX509()) await give(terminal, answer, flags.write)
    }),
})

const jwt = command({
  doc: "Fetch this process's JWT-SVIDs",
  about: `
    $ signet agent api fetch jwt -audience=db`,
  local: true,
  flags: { ...socketFlags, ...tokenFlags },
  output: 'format',
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      const audience = flags.audience.flatMap((one) => one.split(','))
      showTokens(terminal, await workloadApi.jwt(audience, flags['spiffe-id']))
    }),
})

const validateJwt = command({
  doc: 'Let the agent check a JWT-SVID',
  local: true,
  flags: {
    ...socketFlags,
    audience: or(text('Who the token has to be for.'), ''),
    svid: or(text('The token; `-` reads it from standard input.'), '-'),
  },
  output: 'format',
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      const token = flags.svid === '-' ? Buffer.from(await terminal.readStdin()).toString() : flags.svid
      const { spiffeId, claims } = await workloadApi.validate(flags.audience, token.trim())
      if (terminal.format !== 'table') return showObject(terminal, { spiffe_id: spiffeId, claims })
      terminal.print(`SVID is valid.\nSPIFFE ID : ${spiffeId}\nClaims    : ${JSON.stringify(claims)}`)
    }),
})

export const api = group('Ask an agent as a workload would', {
  fetch: group('Fetch identities', { jwt, wit: fetchWit, x509 }),
  validate: group('Check identities of others', { jwt: validateJwt }),
  watch,
})

const toJson = ({ spiffeId, hint }: { readonly spiffeId: string; readonly hint: string }) => ({
  spiffe_id: spiffeId,
  ...(hint === '' ? {} : { hint }),
})

export function showTokens(terminal: Terminal, svids: readonly JwtAnswer[]): void {
  if (terminal.format !== 'table') return showObject(terminal, { svids: svids.map((one) => ({ ...toJson(one), svid: one.svid })) })
  for (const { spiffeId, svid } of svids) terminal.print(`token(${spiffeId}):\n\t${svid}`)
}

export function show(terminal: Terminal, { svids, federatedBundles }: X509Answer): void {
  if (terminal.format !== 'table') {
    const shown = svids.map((one) => ({
      ...toJson(one),
      x509_svid: one.chain.toString('base64'),
      x509_svid_key: one.key.toString('base64'),
      bundle: one.bundle.toString('base64'),
    }))
    const federated = Object.entries(federatedBundles).map(([name, bundle]) => [name, bundle.toString('base64')])
    return showObject(terminal, { svids: shown, federated_bundles: Object.fromEntries(federated) })
  }
  terminal.print(`Received ${svids.length} ${svids.length === 1 ? 'svid' : 'svids'}`)
  for (const { spiffeId, chain, hint } of svids) {
    const [leaf] = certificatesIn(chain)
    const { validFrom = '', validTo = '' } = leaf ? new X509Certificate(leaf) : {}
    terminal.print(
      `\nSPIFFE ID:\t\t${spiffeId}${hint === '' ? '' : `\nHint:\t\t\t${hint}`}\nSVID Valid After:\t${validFrom}\nSVID Valid Until:\t${validTo}`,
    )
  }
}

/** Shown, and written to the folder where there is one. */
export async function give(terminal: Terminal, answer: X509Answer, folder: string): Promise<void> {
  show(terminal, answer)
  if (folder === '') return
  const written = await writeSvids(terminal.ports.files, answer, folder, Number.parseInt(KEY_MODE, 8))
  if (terminal.format === 'table') terminal.print(`\n${written}`)
}
