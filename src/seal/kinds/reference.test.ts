import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secret, text } from '../../base/fields.ts'
import { resolveTexts } from './reference.ts'

const shape = { token: secret(text('A token.')), name: text('A name.') }
const ports = {
  readFile: (path: string) => Buffer.from(`in ${path}\n`),
  env: (name: string) => (name === 'SET' ? ' value ' : undefined),
}
const resolved = (token: string) => resolveTexts(shape, { token, name: 'file://name' }, ports)

test('secrets, and nothing else, are looked up where they lie', () => {
  assert.deepEqual(resolved('file:///run/token'), { token: 'in /run/token', name: 'file://name' })
  assert.deepEqual(resolved('env://SET'), { token: 'value', name: 'file://name' })
  assert.deepEqual(resolved('hvs.1'), { token: 'hvs.1', name: 'file://name' })
  assert.throws(() => resolved('env://UNSET'), { message: 'token: the environment has no UNSET' })
})
