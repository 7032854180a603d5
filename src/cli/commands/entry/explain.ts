// `signet entry explain`: why a workload has the identities that it has, or none.
import { isObject, type Json, type JsonObject } from '../../../base/json.ts'
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { list, text } from '../../flag.ts'
import { showObject } from '../../output/show.ts'
import { goText } from '../../output/text.ts'
import { ENTRIES } from './describe.ts'

export const explain = command({
  doc: 'Explain which entries describe a workload',
  about: `
Says which entries would give the workload an identity, and what is missing from those that nearly would.

    $ signet entry explain -selector=unix:uid:1000 -selector=unix:gid:5
    $ signet entry explain -selector=k8s:ns:shop -parentID=spiffe://example.org/spire/agent/x509pop/1a2b…`,
  flags: {
    selector: list('What is known of the workload, as type:value. May be given many times.'),
    parentID: text('The agent that it runs under, or an ID that agents have.'),
  },
  output: 'format',
  async run(terminal, { flags }) {
    if (flags.selector.length === 0) throw new Failure(1, 'at least one selector is required')
    const client = await terminal.client()
    const question = { selectors: [...flags.selector], ...(flags.parentID ? { parent_id: flags.parentID } : {}) }
    const secret = await attempt('Error explaining entries', () => client.post(`${ENTRIES}/explain`, question))
    const found = secret?.data ?? {}
    if (terminal.format !== 'table') return showObject(terminal, found)
    const matches = objects(found['matches'])
    const near = objects(found['near'])
    terminal.print(matches.length === 0 ? 'No entry describes this workload' : 'Described by:')
    for (const entry of matches) terminal.print(entryLine(entry))
    if (near.length > 0) terminal.print('\nNearly described by:')
    for (const one of near) terminal.print([entryLine(one['entry']), ...reasons(one, flags.parentID)].join('\n'))
  },
})

/** An entry on a line. */
export function entryLine(entry: Json | undefined): string {
  const { id, spiffe_id: spiffeId, parent_id: parentId } = isObject(entry) ? entry : {}
  return `  ${goText(spiffeId)} (${goText(id)}), below ${goText(parentId)}`
}

/** What is missing, a line each; `parent` is the agent that it would have to be for. */
export function reasons({ missing, elsewhere }: JsonObject, parent: string | undefined): string[] {
  const lacking = objects(missing).map(({ selector, instead }) => {
    const there = Array.isArray(instead) && instead.length > 0 ? `; there is ${instead.map(goText).join(', ')}` : ''
    return `      it asks for ${goText(selector)}${there}`
  })
  return elsewhere ? [...lacking, `      it is not for ${parent}`] : lacking
}

const objects = (value: Json | undefined): JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])
