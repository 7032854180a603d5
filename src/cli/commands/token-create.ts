// `signet token create`.
import { formatDuration } from '../../base/duration.ts'
import type { JsonObject } from '../../base/json.ts'
import { command } from '../command.ts'
import { attempt } from '../failure.ts'
import { bool, duration, type FlagValues, int, list, oneOf, or, pairs, text } from '../flag.ts'
import { showAnswer } from '../output/show.ts'

const flags = {
  id: text('The token itself, in place of a random one. Needs sudo.'),
  'display-name': or(text('What the token is called in audit records.'), ''),
  ttl: duration('How long the token lives, unless it is renewed.'),
  'explicit-max-ttl': duration('How long the token lives at most, renewed or not.'),
  period: duration('Every renewal gives the token this long again, without end. Needs sudo.'),
  renewable: or(bool('Let the token be renewed.'), true),
  orphan: bool('Make a token without parent, which outlives the one that made it. Needs sudo.'),
  'no-default-policy': bool('Leave the policy "default" out.'),
  'use-limit': or(int('How many times the token can be used; 0 is without limit.'), 0),
  role: text('Make the token by this role.'),
  type: or(oneOf(text('service or batch.'), 'service', 'batch'), 'service'),
  metadata: pairs('What audit records show with the token, as key=value. May be given many times.'),
  policy: list('Policy of the token. May be given many times.'),
  'entity-alias': text('Alias of the entity that the token is for; with -role only.'),
}

export const create = command({
  doc: 'Create a new token',
  about: `
    $ signet token create -policy=app -ttl=1h
    $ signet token create -period=24h -orphan -metadata=team=payments`,
  flags,
  output: 'field',
  async run(terminal, { flags }) {
    const client = await terminal.client()
    const path = flags.role ? `auth/token/create/${flags.role}` : 'auth/token/create'
    const secret = await attempt('Error creating token', () => client.post(path, toRequest(flags)))
    showAnswer(terminal, secret, '')
  },
})

function toRequest(given: FlagValues<typeof flags>): JsonObject {
  const ttl = (seconds: number | undefined): string => formatDuration(seconds ?? 0)
  return {
    ...(given.id ? { id: given.id } : {}),
    ...(given.policy.length > 0 ? { policies: [...given.policy] } : {}),
    ...(given.metadata ? { meta: given.metadata } : {}),
    ttl: ttl(given.ttl),
    explicit_max_ttl: ttl(given['explicit-max-ttl']),
    period: ttl(given.period),
    ...(given.orphan ? { no_parent: true } : {}),
    ...(given['no-default-policy'] ? { no_default_policy: true } : {}),
    display_name: given['display-name'],
    num_uses: given['use-limit'],
    renewable: given.renewable && given.type !== 'batch',
    type: given.type,
    ...(given['entity-alias'] ? { entity_alias: given['entity-alias'] } : {}),
  }
}
