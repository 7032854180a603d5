// Templates in rule paths: `{{identity.entity.id}}`, `{{spiffe.path.0}}` and the like, filled in with values that can't widen the rule.
import { Fault } from '../base/fault.ts'
import { pathOf, type SpiffeId, trustDomainOf } from '../crypto/spiffe-id.ts'

/** Who asks, for the templates of their policies. */
export interface TemplateIdentity {
  readonly entity: TemplateParty & { readonly aliases: readonly TemplateAlias[] }
  readonly groups: readonly TemplateParty[]
  /** Of those who logged in by an SVID. */
  readonly spiffe?: TemplateSpiffe
}

export interface TemplateSpiffe {
  readonly trustDomain: string
  /** The segments of the path of the SPIFFE ID. */
  readonly path: readonly string[]
}

export function toTemplateSpiffe(id: SpiffeId): TemplateSpiffe {
  return { trustDomain: trustDomainOf(id), path: pathOf(id).slice(1).split('/') }
}

export interface TemplateParty {
  readonly id: string
  readonly name: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface TemplateAlias extends TemplateParty {
  readonly mountAccessor: string
  readonly customMetadata: Readonly<Record<string, string>>
}

/** What would make a rule match more than its author meant, were it in a value. */
const METACHARACTERS = /[*+/]/

/** True where the path holds directives. Throws `invalid` where braces don't pair up. */
export function isTemplated(path: string): boolean {
  const [before, ...pieces] = path.split('{{')
  const paired = !before?.includes('}}') && pieces.every((piece) => piece.split('}}').length === 2)
  if (!paired) throw new Fault('invalid', 'failed to validate policy templating: unbalanced templating characters')
  return pieces.length > 0
}

/** The path with every directive replaced; undefined where one has no value, or one that is refused. */
export function fillTemplate(path: string, identity: TemplateIdentity | undefined): string | undefined {
  const [before, ...pieces] = path.split('{{')
  let filled = before as string
  for (const piece of pieces) {
    const [directive, after] = piece.split('}}') as [string, string]
    const value = identity && resolve(directive.trim(), identity)
    if (!value || METACHARACTERS.test(value)) return undefined
    filled += value + after
  }
  return filled
}

function resolve(directive: string, { entity, groups, spiffe }: TemplateIdentity): string | undefined {
  const [root, kind, first = '', second = '', ...rest] = directive.split('.')
  if (root === 'spiffe') return spiffe && spiffeFact(spiffe, directive.slice('spiffe.'.length))
  if (root !== 'identity') return undefined
  if (kind === 'entity' && first === 'aliases') {
    const alias = entity.aliases.find(({ mountAccessor }) => mountAccessor === second)
    return alias && aliasFact(alias, rest.join('.'))
  }
  if (kind === 'entity') return partyFact(entity, directive.slice('identity.entity.'.length))
  if (kind !== 'groups' || (first !== 'ids' && first !== 'names')) return undefined
  const group = groups.find(({ id, name }) => (first === 'ids' ? id : name) === second)
  return group && partyFact(group, rest.join('.'))
}

function aliasFact(alias: TemplateAlias, fact: string): string | undefined {
  return fact.startsWith('custom_metadata.') ? own(alias.customMetadata, fact.slice('custom_metadata.'.length)) : partyFact(alias, fact)
}

function partyFact(party: TemplateParty, fact: string): string | undefined {
  if (fact === 'id') return party.id
  if (fact === 'name') return party.name
  return fact.startsWith('metadata.') ? own(party.metadata, fact.slice('metadata.'.length)) : undefined
}

/** Never the whole path: an ID below another's would then be given what is that one's. */
function spiffeFact({ trustDomain, path }: TemplateSpiffe, fact: string): string | undefined {
  const [, segment] = /^path\.(0|[1-9]\d?)$/.exec(fact) ?? []
  return fact === 'trust_domain' ? trustDomain : segment === undefined ? undefined : path[Number(segment)]
}

function own(record: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
