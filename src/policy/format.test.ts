// The canonical form of policies.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../base/fault.ts'
import { DEFAULT_TEXT, RESPONSE_WRAPPING_TEXT } from './builtin.ts'
import { formatPolicy } from './format.ts'

const UNTIDY = `# Head.

# Of the path.
path "secret/*" {
capabilities = ["read","list"] # why
    policy="read"   // and why
  # Of the minimum.
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = "2m"


  required_parameters = [
    "a",  # one
    # Of the second.
    "bbbbb"
  ]
  allowed_parameters = { "a" = ["b"]
    "ccc" = [] }
  # End.
}
path "x" {}
path "y" {
}
/* two
   lines */
path "w" { # open
  capabilities = ["deny"] } # closed
# Tail.`

const TIDY = `# Head.

# Of the path.
path "secret/*" {
  capabilities = ["read", "list"] # why
  policy       = "read"           // and why

  # Of the minimum.
  min_wrapping_ttl = "1m"
  max_wrapping_ttl = "2m"

  required_parameters = [
    "a",     # one

    # Of the second.
    "bbbbb",
  ]

  allowed_parameters = {
    "a"   = ["b"]
    "ccc" = []
  }

  # End.
}

path "x" {}
path "y" {}

/* two
   lines */
path "w" {
  # open
  capabilities = ["deny"]
} # closed

# Tail.
`

test('tidy, with every comment', () => assert.equal(formatPolicy(UNTIDY), TIDY))
test('what is tidy stays', () => {
  for (const text of [TIDY, DEFAULT_TEXT, RESPONSE_WRAPPING_TEXT, '']) assert.equal(formatPolicy(text), text)
})
test('texts over several lines are left alone', () => {
  const text = 'path "a" {\n  comment = <<EOF\n free\n   text\nEOF\n\n  policy = "read"\n}\n'
  assert.equal(formatPolicy(text), text)
})
test('line ends of other systems', () =>
  assert.equal(formatPolicy('path "a" {\r\n policy = "read" # x\r\n}\r\n'), 'path "a" {\n  policy = "read" # x\n}\n'))
test('refuses what is no policy', () => {
  assert.throws(() => formatPolicy('path "a" { policy = "fly" }'), Fault)
  assert.throws(() => formatPolicy('{"path": {}}'), new Fault('invalid', 'a policy in JSON has no canonical form'))
})
