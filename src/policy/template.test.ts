// Templates in rule paths: every directive, and what never gets in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSpiffeId } from '../crypto/spiffe-id.ts'
import { compileAcl } from './acl.ts'
import { parsePolicy } from './parse.ts'
import { fillTemplate, isTemplated, type TemplateIdentity, toTemplateSpiffe } from './template.ts'

const ann: TemplateIdentity = {
  entity: {
    id: 'e-1',
    name: 'ann',
    metadata: { team: 'red', empty: '', star: 'a*', plus: '+', slash: 'a/b', odd: '{{x}}' },
    aliases: [{ id: 'al-1', name: 'ann@ldap', mountAccessor: 'auth_ldap_1', metadata: { dn: 'cn=ann' }, customMetadata: { desk: '4' } }],
  },
  groups: [{ id: 'g-1', name: 'devs', metadata: { cost: '7' } }],
  spiffe: toTemplateSpiffe(parseSpiffeId('spiffe://example.org/ns/a/sa/web')),
}

const FILLED: Record<string, string> = {
  'identity.entity.id': 'e-1',
  'identity.entity.name': 'ann',
  ' identity.entity.name ': 'ann',
  'identity.entity.metadata.team': 'red',
  'identity.entity.metadata.odd': '{{x}}',
  'identity.entity.aliases.auth_ldap_1.id': 'al-1',
  'identity.entity.aliases.auth_ldap_1.name': 'ann@ldap',
  'identity.entity.aliases.auth_ldap_1.metadata.dn': 'cn=ann',
  'identity.entity.aliases.auth_ldap_1.custom_metadata.desk': '4',
  'identity.groups.ids.g-1.name': 'devs',
  'identity.groups.names.devs.id': 'g-1',
  'identity.groups.names.devs.metadata.cost': '7',
  'spiffe.trust_domain': 'example.org',
  'spiffe.path.0': 'ns',
  'spiffe.path.3': 'web',
}

const WITHOUT_VALUE = [
  'spiffe.id',
  'spiffe.path',
  'spiffe.path.4',
  'spiffe.path.-1',
  'spiffe.path.00',
  'spiffe.path.length',
  'identity.entity.metadata.none',
  'identity.entity.metadata.empty',
  'identity.entity.metadata.__proto__',
  'identity.entity.metadata.constructor',
  'identity.entity.metadata',
  'identity.entity.aliases.auth_other.name',
  'identity.entity.aliases.auth_ldap_1',
  'identity.entity.groups.names',
  'identity.groups.names.ops.id',
  'identity.groups.names.devs',
  'identity.groups.other.devs.id',
  'identity',
  'time.now',
  '',
  'constructor',
]

test('directives become values', () => {
  for (const [directive, value] of Object.entries(FILLED)) assert.equal(fillTemplate(`a/{{${directive}}}/b`, ann), `a/${value}/b`, directive)
  assert.equal(fillTemplate('{{identity.entity.id}}-{{identity.entity.name}}', ann), 'e-1-ann')
})

test('a path with a directive that has no value is none', () => {
  for (const directive of WITHOUT_VALUE) assert.equal(fillTemplate(`a/{{${directive}}}`, ann), undefined, directive)
  assert.equal(fillTemplate('a/{{identity.entity.id}}', undefined), undefined)
})

test('values never bring wildcards or more segments into a path', () => {
  for (const key of ['star', 'plus', 'slash']) assert.equal(fillTemplate(`a/{{identity.entity.metadata.${key}}}`, ann), undefined, key)
})

test('what is templated is seen in the text', () => {
  assert.equal(isTemplated('a/b'), false)
  assert.equal(isTemplated('a/{{anything}}'), true)
  for (const broken of ['{{a', 'a}}', '{{a}}}}', '{{a{{b}}', '}}{{']) assert.throws(() => isTemplated(broken), /unbalanced templating characters/)
})

test('an ACL is that of who asks', () => {
  const policy = parsePolicy(
    'own',
    'path "kv/{{identity.entity.name}}/*" { capabilities = ["read"] }\npath "kv/{{identity.entity.metadata.star}}" { capabilities = ["list"] }',
  )
  assert.deepEqual(compileAcl([policy], ann).capabilities('kv/ann/x'), ['read'])
  for (const path of ['kv/bob/x', 'kv/abc', 'kv/a*']) assert.deepEqual(compileAcl([policy], ann).capabilities(path), ['deny'], path)
  assert.deepEqual(compileAcl([policy]).capabilities('kv/ann/x'), ['deny'])
})
