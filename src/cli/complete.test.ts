// Completion scripts know every command and flag.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runWith } from '../testing/cli-ports.ts'

for (const shell of ['bash', 'zsh', 'fish']) {
  test(shell, async () => {
    const { code, out } = await runWith(`completion ${shell}`)
    assert.equal(code, 0)
    for (const word of ['enable-versioning', '-key-shares=', '-format=json', '-force', 'completion']) assert.ok(out.includes(word), word)
    assert.ok(out.includes("'kv metadata get'"))
    assert.ok(!out.includes('undefined'))
  })
}

test('another shell is refused', async () => {
  assert.equal((await runWith('completion tcsh')).err, 'no completion for "tcsh": there is bash, zsh, fish\n')
})
