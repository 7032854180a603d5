// Audit devices in the configuration: what is taken, and what is said of what is not.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from './config.ts'
import { parseSource } from './read.ts'

const REST = 'storage "lmdb" { path = "/d" }\nlistener "tcp" { tls_disable = true }\n'
const audit = (source: string) => parseConfig([parseSource('1.hcl', REST + source)]).config.audit

test('devices, folders and whether the API may make more', () => {
  assert.deepEqual(audit(''), { devices: [], apiCreation: true, folders: undefined })
  const settings = audit(`
audit "file" "main" {
  description = "d"
  options {
    file_path = "/var/log/a.log"
    log_raw   = true
  }
}
audit "file" "team/out" { options = { file_path = "stdout" } }
audit_file_directories = ["/var/log"]
unsafe_allow_api_audit_creation = false
`)
  assert.deepEqual(settings, {
    devices: [
      { path: 'main/', type: 'file', description: 'd', options: { file_path: '/var/log/a.log', log_raw: '1' }, local: false },
      { path: 'team/out/', type: 'file', description: '', options: { file_path: 'stdout' }, local: false },
    ],
    apiCreation: false,
    folders: ['/var/log'],
  })
})

test('what is refused, and why', () => {
  const table: readonly [string, string][] = [
    ['audit "nope" "a" {}', '1.hcl:3:1: audit "nope" "a": unknown backend type: "nope"'],
    ['audit "file" "a" {}', '1.hcl:3:1: audit "file" "a": file_path is required'],
    ['audit "file" "a" { file_path = "/x" }', '1.hcl:3:20: "file_path" in audit "file" "a" is not known'],
    ['audit "file" "a b" { options { file_path = "/x" } }', '1.hcl:3:1: audit "file" "a b": the path must be one or more words between slashes'],
    ['audit = "file"', '1.hcl:3:1: "audit" must be a block'],
    [
      'audit "file" "a" { options { file_path = "/x" } } audit "file" "a/b" { options { file_path = "/y" } }',
      '1.hcl:3:51: audit "file" "a/b": path already in use',
    ],
    ['audit_file_directories = ["log"]', '1.hcl: audit_file_directories has "log", which is not an absolute path'],
    [
      'allow_audit_log_prefixing = true',
      '1.hcl:3:1: "allow_audit_log_prefixing" in the configuration is not offered: audit records have no prefix; leave it out',
    ],
  ]
  for (const [source, message] of table) assert.throws(() => audit(source), { message }, source)
})
