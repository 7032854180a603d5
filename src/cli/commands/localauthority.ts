// `signet localauthority`: the keys that sign, moved by hand from prepared to active to old, tainted and revoked.
import { isObject, type JsonObject } from '../../base/json.ts'
import { type Command, command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { or, text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { goText, goTime } from '../output/text.ts'

type Kind = 'x509' | 'jwt' | 'wit'

const NAMES = { x509: 'X.509', jwt: 'JWT', wit: 'WIT' } as const

const STATES = [
  ['active', 'Active'],
  ['prepared', 'Prepared'],
  ['old', 'Old'],
] as const

function show(kind: Kind): Command {
  const name = NAMES[kind]
  return command({
    doc: `Show the ${name} authorities`,
    output: 'format',
    async run(terminal) {
      const client = await terminal.client()
      const secret = await attempt(`Error reading ${name} authorities`, () => client.read(`spiffe/authorities/${kind}`))
      const all = secret?.data?.['authorities']
      const authorities = Array.isArray(all) ? all.filter(isObject) : []
      if (terminal.format !== 'table') return showObject(terminal, { authorities })
      for (const [index, [state, title]] of STATES.entries()) {
        const found = authorities.filter((one) => one['state'] === state)
        const texts = found.length > 0 ? found.map((one) => authorityText(kind, one)) : [`  No ${state} ${name} authority found`]
        terminal.print(`${index === 0 ? '' : '\n'}${title} ${name} authority:\n${texts.join('\n')}`)
      }
    },
  })
}

const STEPS = {
  prepare: ['Publish a new authority, to sign once it is activated', 'Prepared'],
  activate: ['Have the prepared authority sign from now on', 'Activated'],
  taint: ['Have everything replaced that an old authority signed', 'Tainted'],
  revoke: ['Take an old authority out of the bundle: nothing it signed is believed any more', 'Revoked'],
} as const

function step(kind: Kind, verb: keyof typeof STEPS): Command {
  const [doc, done] = STEPS[verb]
  const prepares = verb === 'prepare'
  return command({
    doc,
    about: `
    $ signet localauthority ${kind} ${verb}${prepares ? '' : ' -authorityID=1a2b…'}`,
    flags: prepares ? {} : { authorityID: or(text('Which one: its subject key identifier, or its key id.'), '') },
    output: 'format',
    async run(terminal, { flags }) {
      const { authorityID = '' } = flags as { authorityID?: string }
      if (!prepares && authorityID === '') throw new Failure(1, 'an authority ID is required')
      const client = await terminal.client()
      const body = prepares ? {} : { authority_id: authorityID }
      const secret = await attempt(`could not ${verb} ${NAMES[kind]} authority`, () => client.post(`spiffe/authorities/${kind}/${verb}`, body))
      const authority = secret?.data ?? {}
      if (terminal.format !== 'table') return showObject(terminal, authority)
      terminal.print(`${done} ${NAMES[kind]} authority:\n${authorityText(kind, authority)}`)
    },
  })
}

function authorityText(kind: Kind, authority: JsonObject): string {
  const upstream = goText(authority['upstream_authority_subject_key_id'] ?? '')
  return [
    `  Authority ID: ${goText(authority['authority_id'])}`,
    `  Expires at: ${goTime(goText(authority['expires_at']))}`,
    ...(authority['tainted'] ? ['  Tainted: true'] : []),
    ...(kind !== 'x509'
      ? []
      : [upstream === '' ? '  Upstream authority ID: No upstream authority' : `  Upstream authority Subject Key ID: ${upstream}`]),
  ].join('\n')
}

const authorities = (kind: Kind) =>
  group(`Interact with the ${NAMES[kind]} authorities`, {
    activate: step(kind, 'activate'),
    prepare: step(kind, 'prepare'),
    revoke: step(kind, 'revoke'),
    show: show(kind),
    taint: step(kind, 'taint'),
  })

export const localauthority = group(
  'Interact with the keys that the trust domain signs with',
  { jwt: authorities('jwt'), wit: authorities('wit'), x509: authorities('x509') },
  `
    $ signet localauthority x509 show
    $ signet localauthority x509 prepare`,
)
