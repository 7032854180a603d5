// Whoever asks for a stream and does not read it costs what fits into its window, and no more.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { test } from 'node:test'
import { folder } from '../../test/support/server.ts'
import { until } from '../testing/until.ts'
import { openGrpc, stream } from './grpc.ts'
import { bytes, message } from './protobuf.ts'

const Empty = message<Record<never, never>>({})
const Chunk = message({ data: bytes(1) })
const MESSAGES = 50
const SIZE = 256 << 10

test('a stream waits for its reader, and nothing piles up meanwhile', async (t) => {
  let made = 0
  let over = false
  const server = openGrpc(
    {
      's.Feed': {
        Read: stream(Empty, Chunk, async function* () {
          try {
            while (made < MESSAGES) {
              made++
              yield { data: Buffer.alloc(SIZE) }
            }
          } finally {
            over = true
          }
        }),
      },
    },
    (error) => assert.fail(String(error)),
  )
  const path = join(folder(t), 'socket')
  const listener = createServer((socket: Socket) => server.inject(socket, 'peer'))
  listener.listen(path)
  await once(listener, 'listening')
  const open = (): { session: ClientHttp2Session; call: ReturnType<ClientHttp2Session['request']> } => {
    const session = connectHttp2('http://localhost', { createConnection: () => connect(path) })
    const call = session.request({ ':method': 'POST', ':path': '/s.Feed/Read', 'content-type': 'application/grpc', te: 'trailers' })
    call.end(Buffer.alloc(5))
    return { session, call }
  }
  t.after(() => {
    server.close()
    listener.close()
  })

  const slow = open()
  slow.call.pause()
  await until('the first message is under way', () => made > 0)
  for (let turns = 0; turns < 500; turns++) await turn()
  assert.equal(made, 1)

  const quick = open() // in the same server, and not held up
  quick.call.resume()
  await until('another reader gets on', () => made > 5)
  quick.session.destroy()

  slow.session.destroy()
  await until('the stream of who went is over', () => over)
})
