// For whom a suite asks: the entity, aliases, groups and SPIFFE ID that templates in rules speak of, as `key=value` words.
import { Fault } from '../base/fault.ts'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { type TemplateAlias, type TemplateIdentity, type TemplateParty, type TemplateSpiffe, toTemplateSpiffe } from './template.ts'

type Facts = { -readonly [K in keyof TemplateParty]: TemplateParty[K] extends string ? string : Record<string, string> } & {
  customMetadata: Record<string, string>
}

/**
 * Throws `invalid` for a word that can't be read.
 * @example parseIdentity(['entity.name=ann', 'entity.metadata.team=red', 'alias.auth_userpass_1.name=ann', 'group.ops.id=7', 'spiffe=spiffe://example.org/web'])
 */
export function parseIdentity(given: readonly string[]): TemplateIdentity {
  const entity = nobody()
  const aliases = new Map<string, Facts>()
  const groups = new Map<string, Facts>()
  let spiffe: TemplateSpiffe | undefined
  for (const word of given) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/s.exec(word) ?? []
    const [of, ...rest] = key.split('.')
    if (of === 'entity') setFact(entity, rest, value, word)
    else if (of === 'alias') setFact(among(aliases, rest[0]), rest.slice(1), value, word)
    else if (of === 'group') setFact(among(groups, rest[0]), rest.slice(1), value, word)
    else if (key === 'spiffe') spiffe = toTemplateSpiffe(parseSpiffeId(value))
    else throw unread(word)
  }
  const toAlias = ([mountAccessor, facts]: [string, Facts]): TemplateAlias => ({ ...facts, mountAccessor })
  const toGroup = ([name, facts]: [string, Facts]): TemplateParty => ({ ...facts, name: facts.name || name })
  const named = { entity: { ...entity, aliases: Array.from(aliases, toAlias) }, groups: Array.from(groups, toGroup) }
  return spiffe ? { ...named, spiffe } : named
}

function nobody(): Facts {
  return { id: '', name: '', metadata: {}, customMetadata: {} }
}

function among(all: Map<string, Facts>, name = ''): Facts {
  const facts = all.get(name) ?? nobody()
  all.set(name, facts)
  return facts
}

function setFact(facts: Facts, [fact, ...more]: readonly string[], value: string, word: string): void {
  const key = more.join('.')
  if (fact === 'id' && key === '') facts.id = value
  else if (fact === 'name' && key === '') facts.name = value
  else if (fact === 'metadata' && key !== '') facts.metadata[key] = value
  else if (fact === 'custom_metadata' && key !== '') facts.customMetadata[key] = value
  else throw unread(word)
}

function unread(word: string): Fault {
  const expected = 'entity.FACT=…, alias.ACCESSOR.FACT=…, group.NAME.FACT=… or spiffe=ID, where FACT is id, name, metadata.KEY or custom_metadata.KEY'
  return new Fault('invalid', `identity: ${JSON.stringify(word)} is not known; expected ${expected}`)
}
