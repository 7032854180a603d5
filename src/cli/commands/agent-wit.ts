// `signet agent api fetch wit`: WIT-SVIDs of the process that asks, each with the key that it is bound to.
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { also, or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import type { CliFiles, WitAnswer } from '../ports.ts'
import type { Terminal } from '../terminal.ts'
import { asking, socketFlags } from './agent-socket.ts'
import { KEY_MODE } from './agent-svids.ts'

export const fetchWit = command({
  doc: "Fetch this process's WIT-SVIDs",
  about: `
Each with the private key that it is bound to, as a JWK. With -write there are svid.0.wit and svid.0.jwk in
that folder, and so on.

    $ signet agent api fetch wit -write=/run/web`,
  local: true,
  flags: {
    ...socketFlags,
    'spiffe-id': also(or(text('The identity, where the process has several; all of them otherwise.'), ''), 'spiffeID'),
    write: or(text('Folder to write tokens and keys to.'), ''),
  },
  output: 'format',
  run: (terminal, { flags }) =>
    asking(terminal, flags, async (workloadApi) => {
      for await (const svids of workloadApi.watchWit(flags['spiffe-id'])) return give(terminal, svids, flags.write)
      throw new Failure(2, 'the agent gave no answer')
    }),
})

async function give(terminal: Terminal, svids: readonly WitAnswer[], folder: string): Promise<void> {
  if (terminal.format !== 'table') {
    const shown = svids.map(({ spiffeId, svid, key, hint }) => ({
      spiffe_id: spiffeId,
      wit_svid: svid,
      wit_svid_key: key,
      ...(hint === '' ? {} : { hint }),
    }))
    showObject(terminal, { svids: shown })
  } else if (folder === '') {
    for (const { spiffeId, svid, key } of svids) terminal.print(`token(${spiffeId}):\n\t${svid}\nkey(${spiffeId}):\n\t${key}`)
  }
  if (folder === '') return
  const names = await write(terminal.ports.files, svids, folder)
  if (terminal.format === 'table') terminal.print(`Written to ${folder}: ${names.join(', ')}`)
}

async function write(files: CliFiles, svids: readonly WitAnswer[], folder: string): Promise<string[]> {
  const contents = svids.flatMap(({ svid, key }, at): [string, string][] => [
    [`svid.${at}.wit`, svid],
    [`svid.${at}.jwk`, key],
  ])
  for (const [name, content] of contents) await files.write(`${folder}/${name}`, content, Number.parseInt(KEY_MODE, 8))
  return contents.map(([name]) => name)
}
