// LIST, SCAN and HELP over HTTP/1.1: recognised at the start of a message and nowhere else, however the bytes are cut.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { openDoor, RawClient, type TestDoor } from './door.ts'

const HEAD = 'Host: vault.example\r\n\r\n'
const bodiless = (method: string, path: string, more = ''): string => `${method} /v1/${path} HTTP/1.1\r\n${more}${HEAD}`
const sized = (path: string, body: string): string => bodiless('POST', path, `Content-Length: ${body.length}\r\n`) + body
const chunked = (path: string, ...chunks: string[]): string =>
  `${bodiless('POST', path, 'Transfer-Encoding: chunked\r\n')}${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}0\r\n\r\n`

describe('verb shim', () => {
  let door: TestDoor
  before(async () => {
    door = await openDoor()
  })
  after(() => door[Symbol.asyncDispose]())

  /** What the server understood of the pieces, each sent on its own over one connection. */
  async function understood(count: number, ...pieces: string[]): Promise<string[]> {
    const client = RawClient.to(door)
    await client.send(...pieces)
    const calls: string[] = []
    for (let i = 0; i < count; i++) {
      const answer = await client.next()
      if (answer?.status !== 200) calls.push(String(answer?.status))
      else {
        const { verb, path, body } = JSON.parse(answer.body)
        calls.push(body === '' ? `${verb} ${path}` : `${verb} ${path} ${body}`)
      }
    }
    client.socket.destroy()
    return calls
  }

  const CASES: Readonly<Record<string, readonly [expected: string[], ...pieces: string[]]>> = {
    LIST: [['list a/'], bodiless('LIST', 'a')],
    SCAN: [['scan a/'], bodiless('SCAN', 'a')],
    HELP: [['help a'], bodiless('HELP', 'a')],
    'keep-alive': [
      ['list a/', 'read b', 'list c/', 'scan d/'],
      bodiless('LIST', 'a'),
      bodiless('GET', 'b'),
      bodiless('LIST', 'c'),
      bodiless('SCAN', 'd'),
    ],
    'the verb does not stick': [['list a/', '405'], bodiless('LIST', 'a'), bodiless('LINK', 'b')],
    'pipelined in one read': [['list a/', 'list b/', 'help c'], bodiless('LIST', 'a') + bodiless('LIST', 'b') + bodiless('HELP', 'c')],
    'pipelined behind a GET': [['read a', 'list b/', 'read c'], bodiless('GET', 'a') + bodiless('LIST', 'b') + bodiless('GET', 'c')],
    'pipelined behind a body': [['write a {"x":1}', 'list b/'], sized('a', '{"x":1}') + bodiless('LIST', 'b')],
    'pipelined behind chunks': [['write a xyz', 'list b/'], chunked('a', 'xy', 'z') + bodiless('LIST', 'b')],
    'method cut in two': [['list a/'], 'LI', `ST /v1/a HTTP/1.1\r\n${HEAD}`],
    'method letter by letter': [['scan a/'], 'S', 'C', 'A', 'N', ' ', `/v1/a HTTP/1.1\r\n${HEAD}`],
    'another method with the same start': [['405'], 'LI', `NK /v1/a HTTP/1.1\r\n${HEAD}`],
    'cut at the end of a read': [['read a', 'list b/'], `${bodiless('GET', 'a')}LIS`, `T /v1/b HTTP/1.1\r\n${HEAD}`],
    'head cut in two': [['list a/'], 'LIST /v1/a HTT', `P/1.1\r\n${HEAD}`],
    'a read that starts inside a header': [['read a', 'list b/'], 'GET /v1/a HTTP/1.1\r\nX-A: ', `LIST /v1/x\r\n${HEAD}`, bodiless('LIST', 'b')],
    'a read that starts inside a target': [['read a'], 'GET /v1/a?b=', `LIST HTTP/1.1\r\n${HEAD}`.replace('LIST HTTP', 'LIST-1 HTTP')],
    'a read that starts inside a body': [
      ['write a LIST /v1', 'list b/'],
      bodiless('POST', 'a', 'Content-Length: 8\r\n'),
      `LIST /v1${bodiless('LIST', 'b')}`,
    ],
    'a body of verbs': [['write a LIST SCAN HELP LIST', 'help b'], sized('a', 'LIST SCAN HELP LIST') + bodiless('HELP', 'b')],
    'chunks of verbs': [['write a LIST SCAN ', 'help b'], chunked('a', 'LIST ', 'SCAN '), bodiless('HELP', 'b')],
    'a body that ends like a verb begins': [['write a {"k":"HEL', 'list b/'], sized('a', '{"k":"HEL'), bodiless('LIST', 'b')],
    'LINK in a body stays LINK': [['write a LINK BIND COPY'], sized('a', 'LINK BIND COPY')],
    'LIST with a body': [['list a/', 'read b'], `${bodiless('LIST', 'a', 'Content-Length: 2\r\n')}{}${bodiless('GET', 'b')}`],
  }
  for (const [name, [expected, ...pieces]] of Object.entries(CASES)) {
    test(name, async () => assert.deepEqual(await understood(expected.length, ...pieces), expected))
  }

  test('any cut of a pipelined stream means the same', async () => {
    const stream = bodiless('LIST', 'a') + sized('b', 'LIST HE') + bodiless('SCAN', 'c') + chunked('d', 'HELP ', 'LI') + bodiless('LIST', 'e')
    const expected = ['list a/', 'write b LIST HE', 'scan c/', 'write d HELP LI', 'list e/']
    for (let at = 1; at < stream.length; at += 3) {
      assert.deepEqual(await understood(expected.length, stream.slice(0, at), stream.slice(at)), expected, `cut at ${at}`)
    }
  })

  test('more verbs in one read than it is cut for are refused, not misread', async () => {
    const client = RawClient.to(door)
    await client.send(bodiless('LIST', 'a').repeat(100))
    let listed = 0
    for (;;) {
      const answer = await client.next()
      if (!answer) break
      if (answer.status === 200) listed++
      else assert.equal(answer.status, 400)
    }
    assert.ok(listed > 0 && listed <= 100)
    client.socket.destroy()
  })
})

test('a flood of pipelined requests whose answers are not read keeps its order and its verbs', async () => {
  const filler = 'x'.repeat(60_000)
  await using door = await openDoor({
    handle: async ({ verb, path }) => ({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ call: `${verb} ${path}`, filler })) }),
  })
  const client = RawClient.to(door)
  client.socket.pause()
  const reads = Array.from({ length: 40 }, (_, i) => (bodiless('GET', `r${i}`) + bodiless('LIST', `l${i}`)).repeat(4))
  await client.send(...reads)
  client.socket.resume()
  for (let i = 0, seen = 0; i < reads.length; seen++, i = Math.floor(seen / 4)) {
    assert.equal(JSON.parse((await client.next())?.body ?? '{}').call, `read r${i}`)
    assert.equal(JSON.parse((await client.next())?.body ?? '{}').call, `list l${i}/`)
  }
  client.socket.destroy()
})
