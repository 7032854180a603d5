// HCL against a second implementation, and against noise: whatever comes in, a tree or a Fault comes out.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { createContext, runInContext } from 'node:vm'
import fc from 'fast-check'
import { Fault } from '../../src/base/fault.ts'
import { parseHcl } from '../../src/base/hcl.ts'
import { toObject } from '../../src/base/hcl-object.ts'
import type { HclBody, HclValue } from '../../src/base/hcl-tree.ts'
import { formatPolicy } from '../../src/policy/format.ts'

interface Oracle {
  parse(text: string): string
  stringify(text: string): string
}

/** In a context of its own: the package replaces globals, `require` among them, when it is loaded. */
function openOracle(): Oracle {
  const module = { exports: {} as Oracle }
  const console = { log() {}, warn() {}, error() {} }
  const file = createRequire(import.meta.url).resolve('js-hcl-parser')
  runInContext(readFileSync(file, 'utf8'), createContext({ module, exports: module.exports, console }))
  return module.exports
}

const SNIPPETS = [
  'a = 1\nb = "x"\nc = true\nd = 1.5\ne = -3\nf = 0755\ng = 0xff\nh = 1.5e3',
  'a = ["x", 1, true, 2.5, ]\nb = []\nc = [\n  "one",\n  # two\n  "two",\n]',
  'a = { b = 1, c = { d = "e" } }\nf = [{ g = 1 }, { h = [2] }]',
  'listener "tcp" { address = "a" }\nlistener "tcp" { address = "b" }\nlistener "unix" { address = "c" }',
  'storage "raft" {\n  path = "/data"\n  retry_join { leader_api_addr = "x" }\n  retry_join { leader_api_addr = "y" }\n}',
  'path "secret/data/{{identity.entity.name}}/*" {\n  capabilities = ["create", "read"]\n  allowed_parameters = {\n    "a" = ["b*"]\n    "*" = []\n  }\n}',
  'template {\n  contents = <<EOF\n{{ with secret "kv/x" }}\n  {{ .Data.y }}\n{{ end }}\nEOF\n  destination = "out"\n}',
  'a = <<-EOT\n    one\n      two\n    EOT\nb = <<-EOT\n  one\n   two\n    EOT\n',
  'a = "${b("c")} \\"d\\" \\t \\u00e9"',
  '"quoted key" = 1\na.b-c_d = 2\nµ = 3',
  '# c\n// d\n/* e\n f */ a = 1 # g',
  'a {}\nb "c" "d" "e" { f = 1 }',
  'k = 1, l = 2',
  '',
  ' \n\t\r\n',
  '{"a": 1, "b": {"c": {"d": [1, "x"]}}, "e": [{"f": 1}, {"g": 2}], "h": "\\u00e9\\n"}',
  '{"listener": [{"tcp": {"address": "a"}}, {"tcp": {"address": "b"}}]}',
  '{"path": {"a/*": {"capabilities": ["read"]}, "b": {"policy": "write"}}}',
  'vault {\n  address = "x"\n  retry { num_retries = 5 }\n}\nauto_auth {\n  method "approle" {\n    mount_path = "auth/approle"\n    config = { role_id_file_path = "r" }\n  }\n  sink "file" { config = { path = "t" } }\n}',
  'env_template "A" {\n  contents = "{{ with secret \\"x\\" }}{{ .Data.a }}{{ end }}"\n}\nexec { command = ["a", "-b"] }',
]

const POLICIES = [
  'path "a" { capabilities=["read","list"] }',
  '# head\n\n# lead\npath "x/*" {\ncapabilities = ["read"]   # note\n policy="write" // other\n  # lead\n  min_wrapping_ttl="1m"\n}\npath "y" {}\npath "z" {}\n# tail',
  'path "a" {\n\n\n  # apart\n\n  capabilities = [\n    "read", # one\n    # lead\n    "list"]\n\n  allowed_parameters = { "a" = ["b"]\n    "ccc" = [] }\n  # end\n}',
  'name = "n"\npath "a" {\n  comment = <<EOF\n free\ntext\nEOF\n  capabilities = ["deny"]\n}',
]

test('objects are those of the reference implementation', () => {
  const oracle = openOracle()
  for (const text of [...SNIPPETS, ...POLICIES]) assert.deepEqual(toObject(parseHcl(text)), JSON.parse(oracle.parse(text)), text)
})

test('formatted policies are those of the reference implementation', () => {
  const oracle = openOracle()
  for (const text of POLICIES) assert.equal(formatPolicy(text), `${oracle.stringify(text).trimEnd()}\n`)
})

function reads(text: string): boolean {
  try {
    toObject(parseHcl(text))
    return true
  } catch (error) {
    assert.ok(error instanceof Fault && error.code === 'invalid', String(error))
    assert.ok(error.message.length < 400)
    return false
  }
}

const BITS = [
  '"',
  '\\',
  '{',
  '}',
  '[',
  ']',
  '=',
  ',',
  '\n',
  '#',
  '/*',
  '*/',
  '//',
  '${',
  '<<E\n',
  '<<-E\n',
  'E\n',
  '0x',
  '08',
  '1e',
  '-',
  '.',
  '\0',
  '\ud800',
  'é',
  ':',
  'null',
]

const mutated = fc
  .tuple(
    fc.constantFrom(...SNIPPETS, ...POLICIES),
    fc.array(fc.tuple(fc.nat(400), fc.nat(3), fc.constantFrom(...BITS)), { minLength: 1, maxLength: 6 }),
  )
  .map(([text, edits]) => edits.reduce((now, [at, cut, bit]) => now.slice(0, at) + bit + now.slice(at + cut), text))

test('mutated texts are read or refused', () => {
  fc.assert(
    fc.property(mutated, (text) => void reads(text)),
    { numRuns: 5000 },
  )
})

test('noise is read or refused', () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...BITS, 'a', ' ', '1'), { maxLength: 60 }).map((bits) => bits.join('')),
  )
  fc.assert(
    fc.property(noise, (text) => void reads(text)),
    { numRuns: 5000 },
  )
})

test('bytes that are flipped are read or refused', () => {
  const flipped = fc.tuple(fc.constantFrom(...SNIPPETS), fc.nat(), fc.nat(255)).map(([text, at, mask]) => {
    const bytes = Buffer.from(text)
    if (bytes.length > 0) bytes[at % bytes.length] = (bytes[at % bytes.length] as number) ^ mask
    return bytes.toString('latin1')
  })
  fc.assert(
    fc.property(flipped, (text) => void reads(text)),
    { numRuns: 3000 },
  )
})

/** What a tree says, without places and spellings. */
function meaning(value: HclValue): unknown {
  if (value.kind === 'literal') return value.value
  if (value.kind === 'list') return value.items.map(meaning)
  return value.items.map((item) => [item.names.map(({ text }) => text), item.assigned, meaning(item.value)])
}

test('formatting keeps the meaning and the comments, and is done once', () => {
  const editable = fc
    .tuple(
      fc.constantFrom(...POLICIES),
      fc.array(fc.tuple(fc.nat(300), fc.constantFrom(' ', '\n', '\n\n', '# c\n', '/* d */', '// e\n', '/* f\n g */')), { maxLength: 8 }),
    )
    .map(([text, edits]) => edits.reduce((now, [at, bit]) => now.slice(0, at) + bit + now.slice(at), text))
  fc.assert(
    fc.property(editable, (text) => {
      const before = parsed(text)
      if (!before) return
      const formatted = formatted1(text)
      if (formatted === undefined) return
      assert.deepEqual(meaning(parseHcl(formatted)), meaning(before), text)
      assert.equal(formatPolicy(formatted), formatted, text)
      for (const mark of ['# c', '/* d */', '// e', '/* f']) assert.equal(formatted.split(mark).length, text.split(mark).length, text)
    }),
    { numRuns: 3000 },
  )
})

function parsed(text: string): HclBody | undefined {
  return reads(text) ? parseHcl(text) : undefined
}

function formatted1(text: string): string | undefined {
  try {
    return formatPolicy(text)
  } catch (error) {
    assert.ok(error instanceof Fault)
    return undefined
  }
}
