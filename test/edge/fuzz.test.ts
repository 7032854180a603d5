// Mutated requests: the edge answers in well-formed HTTP or closes, never hangs or dies, and hands on only canonical calls.
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { test } from 'node:test'
import { parsePath } from '../../src/base/path.ts'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const SEEDS = [
  'GET /v1/sys/health HTTP/1.1\r\nHost: vault.example\r\n\r\n',
  'LIST /v1/secret/metadata HTTP/1.1\r\nHost: vault.example\r\nX-Vault-Token: s.abc\r\n\r\n',
  'GET /v1/secret/data/a?version=2&list=true HTTP/1.1\r\nHost: [::1]:8200\r\nX-Vault-Namespace: ns1/ns2\r\nX-Vault-Wrap-TTL: 5m\r\n\r\n',
  'POST /v1/secret/data/a HTTP/1.1\r\nHost: vault.example\r\nContent-Length: 15\r\n\r\n{"data":{"a":1}}',
  'PUT /v1/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=b&c=d',
  'PATCH /v1/a HTTP/1.1\r\nHost: x\r\nContent-Type: application/merge-patch+json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n',
  'LIST /v1/a HTTP/1.1\r\nHost: x\r\n\r\nSCAN /v1/b HTTP/1.1\r\nHost: x\r\n\r\nHELP /v1/c HTTP/1.1\r\nHost: x\r\n\r\n',
  'POST /v1/a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}',
]
const PIECES = [
  'a',
  '=',
  '%20',
  '1',
  '-',
  '\r\n',
  '\n',
  '\r',
  ' ',
  '\0',
  ':',
  '/',
  '..',
  '%2e',
  '%2f',
  '%00',
  '//',
  '?',
  '#',
  '&',
  '\x80',
  'LIST ',
  'LINK ',
  '\r\n\r\n',
]
const HEADERS = [
  'Host: y',
  'Content-Length: 3',
  'Transfer-Encoding: chunked',
  'X-Vault-Token: z',
  'Connection: close',
  ' folded',
  'Expect: 100-continue',
]

const offset = fc.double({ min: 0, max: 1, noNaN: true })
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), at: offset, text: fc.constantFrom(...PIECES, ...HEADERS.map((header) => `\r\n${header}`)) }),
  fc.record({ kind: fc.constant('drop' as const), at: offset, count: fc.integer({ min: 1, max: 12 }) }),
  fc.record({
    kind: fc.constant('flip' as const),
    at: offset,
    byte: fc.oneof(fc.integer({ min: 0x20, max: 0x7e }), fc.integer({ min: 0, max: 255 })),
  }),
  fc.record({ kind: fc.constant('repeat' as const), at: offset, count: fc.integer({ min: 1, max: 40 }) }),
)
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(text: string, change: Mutation): string {
  const at = Math.floor(change.at * text.length)
  if (change.kind === 'insert') return text.slice(0, at) + change.text + text.slice(at)
  if (change.kind === 'drop') return text.slice(0, at) + text.slice(at + change.count)
  if (change.kind === 'flip') return text.slice(0, at) + String.fromCharCode(change.byte) + text.slice(at + 1)
  return text.slice(0, at) + text.slice(at, at + change.count).repeat(2) + text.slice(at + change.count)
}

/** Sends, closes the sending side, and reads all answers to the end; a malformed one throws. */
async function converse(door: TestDoor, text: string, cut: number): Promise<number[]> {
  const client = RawClient.to(door)
  const at = Math.floor(cut * text.length)
  await client.send(Buffer.from(text.slice(0, at), 'latin1'), Buffer.from(text.slice(at), 'latin1'))
  client.socket.end()
  const statuses: number[] = []
  for (;;) {
    const answer = await client.next()
    if (!answer) break
    statuses.push(answer.status)
    if (answer.status >= 400) assert.ok(Array.isArray(JSON.parse(answer.body).errors))
  }
  assert.equal(await client.closed(), '', 'no half an answer')
  return statuses
}

test('mutated requests', async () => {
  await using door = await openDoor({ limits: { lingerMs: 20 } })
  const health = 'GET /v1/sys/health HTTP/1.1\r\nHost: vault.example\r\n\r\n'
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SEEDS), fc.array(mutation, { maxLength: 3 }), offset, async (seed, changes, cut) => {
      const statuses = await converse(door, changes.reduce(mutate, seed), cut)
      for (const status of statuses) assert.ok([100, 200, 400, 404, 405, 413, 415, 431].includes(status), String(status))
      for (const { path, namespace, verb } of door.seen.splice(0)) {
        assert.equal(parsePath(path), path)
        assert.equal(parsePath(namespace), namespace)
        if (verb === 'list' || verb === 'scan') assert.ok(path === '' || path.endsWith('/'))
      }
    }),
    { numRuns: 2_000 },
  )
  assert.deepEqual(await converse(door, health, 0.5), [200])
  assert.deepEqual([door.edge.running, door.logged], [0, []])
})
