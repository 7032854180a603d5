import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Verb } from '../contract/call.ts'
import type { Module, Path } from '../contract/module.ts'
import { matcher, target } from './router.ts'

/** Only what routing looks at. */
function moduleOf(...templates: string[]): Module {
  const paths = templates.map((template) => ({ template, doc: template, params: {}, ops: { read: {}, list: {} } }) as unknown as Path)
  return { kind: 'test', doc: '', paths } as unknown as Module
}

const CONFIG = moduleOf('config', 'config/:name', 'config/:name/role', 'config/ca/role', 'data/*path', 'data/*path/tune', 'data/plain', '')

describe('which declared path serves what is asked', () => {
  const FOUND: readonly (readonly [asked: string, template: string | undefined, params?: Record<string, string>])[] = [
    ['', ''],
    ['config', 'config'],
    ['config/a', 'config/:name', { name: 'a' }],
    ['config/role', 'config/:name', { name: 'role' }],
    ['config/a/role', 'config/:name/role', { name: 'a' }],
    ['config/ca/role', 'config/ca/role'],
    ['config/ca', 'config/:name', { name: 'ca' }],
    ['config/a/b', undefined],
    ['Config', undefined],
    ['data', 'data/*path', { path: '' }],
    ['data/a', 'data/*path', { path: 'a' }],
    ['data/a/b', 'data/*path', { path: 'a/b' }],
    ['data/plain', 'data/plain'],
    ['data/plain/x', 'data/*path', { path: 'plain/x' }],
    ['data/tune', 'data/*path', { path: 'tune' }],
    ['data/a/tune', 'data/*path/tune', { path: 'a' }],
    ['data/a/b/tune', 'data/*path/tune', { path: 'a/b' }],
    ['data/tune/tune', 'data/*path/tune', { path: 'tune' }],
    ['data/a/tune/b', 'data/*path', { path: 'a/tune/b' }],
    ['data/__proto__', 'data/*path', { path: '__proto__' }],
    ['constructor', undefined],
  ]
  for (const [asked, template, params = {}] of FOUND) {
    test(`"${asked}" is ${template === undefined ? 'nothing' : `"${template}"`}`, () => {
      const found = matcher(CONFIG)(asked)
      assert.deepEqual(
        found && { template: found.path.template, params: { ...found.params } },
        template === undefined ? undefined : { template, params },
      )
    })
  }

  test('a template that could not be told from another is refused when the server is built', () => {
    for (const templates of [
      ['a', 'a'],
      ['a/:x', 'a/:y/b'],
      ['a/*x', 'a/*y/b'],
      ['a/*x/b/c', 'a'],
    ]) {
      assert.throws(() => matcher(moduleOf(...templates))('a'), /declared twice|named|told from/)
    }
  })
})

describe('what the verb means there', () => {
  const MEANT: readonly (readonly [verb: Verb, asked: string, found: string])[] = [
    ['read', 'config', 'op'],
    ['list', 'config/', 'op'],
    ['list', 'config', 'op'],
    ['read', 'config/', 'no-path'],
    ['write', 'config/', 'no-path'],
    ['delete', 'config/', 'no-path'],
    ['help', 'config/', 'no-path'],
    ['write', 'config', 'no-op'],
    ['scan', 'config/', 'no-op'],
    ['help', 'config', 'no-op'],
    ['help', 'nope', 'no-path'],
    ['list', 'nope/', 'no-path'],
  ]
  for (const [verb, asked, found] of MEANT) test(`${verb} of "${asked}" is ${found}`, () => assert.equal(target(CONFIG, asked, verb).found, found))
})
