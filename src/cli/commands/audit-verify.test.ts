// `signet audit verify`: what it says of logs, where its key comes from, and how it exits.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LOG, openAuditLog } from '../../testing/audit-log.ts'
import { runWith } from '../../testing/cli-ports.ts'

async function given() {
  const log = openAuditLog()
  const one = log.start()
  await one.write(3)
  await one.writer.close()
  const pem = log.key.key.export({ format: 'pem', type: 'spki' }).toString()
  const data = { public_key: pem, chains: [...log.heads.values()] }
  const files = { '/key.pem': pem, '/anchor.json': JSON.stringify({ data }), '/audit.log': log.files.text(LOG) }
  return { files, script: { 'GET sys/audit-chain': { data: { public_key: pem } }, 'GET sys/audit-chain/file': { data } } }
}

const cut = (text: string) => text.slice(0, text.lastIndexOf('{"time"'))

test('a log that holds', async () => {
  const world = await given()
  for (const line of ['-key=/key.pem', '-key=/anchor.json -complete', '-device=file', '']) {
    const { code, out, err } = await runWith(`audit verify ${line} /audit.log`.split(' ').filter(Boolean), world)
    assert.deepEqual([code, err], [0, ''], line)
    assert.match(out, /^chain1 +file\/ +1 to 5 +5 +yes$/m)
    assert.match(out, /^Success! 5 lines in 1 chains are as they were written\.$/m)
  }
  const { code } = await runWith('audit verify -key=/key.pem -', { ...world, stdin: world.files['/audit.log'] })
  assert.equal(code, 0)
})

test('a log that was cut is told by what the server knows', async () => {
  const world = await given()
  const files = { ...world.files, '/audit.log': cut(world.files['/audit.log']) }
  assert.equal((await runWith('audit verify -key=/key.pem /audit.log', { ...world, files })).code, 0)
  for (const line of ['-key=/anchor.json', '-device=file']) {
    const { code, err } = await runWith(`audit verify ${line} /audit.log`, { ...world, files })
    assert.equal(code, 2)
    assert.match(err, /^\/audit\.log:4: chain chain1 ends here with line 4, but line 5 is vouched for by the server: the rest was cut off$/m)
    assert.match(err, /^The log is not as it was written: 1 findings in 4 lines\.$/m)
  }
  const { out } = await runWith('audit verify -format=json -key=/anchor.json /audit.log', { ...world, files })
  assert.deepEqual([JSON.parse(out).findings[0].file, JSON.parse(out).findings[0].line], ['/audit.log', 4])
})

test('what keeps it from an answer', async () => {
  const world = await given()
  Object.assign(world.files, { '/empty.json': '{}' })
  const table: readonly [string, number, RegExp][] = [
    ['-key=/none /audit.log', 1, /Error reading the key: open \/none: no such file or directory/],
    ['-key=/audit.log /audit.log', 1, /Error in \/audit\.log: it is no JSON/],
    ['-key=/empty.json /audit.log', 1, /The key is no Ed25519 public key in PEM/],
    ['-key=/key.pem /none.log', 1, /Error reading the log: open \/none\.log: no such file or directory/],
    ['-device=other /audit.log', 2, /Error asking for the key of audit logs|The server has no key/],
    ['-key=/key.pem', 1, /Not enough arguments/],
  ]
  for (const [line, code, message] of table) {
    const ran = await runWith(`audit verify ${line}`, world)
    assert.equal(ran.code, code, line)
    assert.match(ran.err, message)
  }
})
