// Proves, against a small real server, that each request is answered for once and that failures are seen.
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { Client } from './client.ts'
import { startClosedLoop } from './closed-loop.ts'
import type { Load } from './load.ts'
import { startOpenLoop } from './open-loop.ts'
import { parseTarget, type Target, toBytes } from './target.ts'

async function withServer(listener: RequestListener, run: (target: Target) => Promise<void>): Promise<void> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await run(parseTarget(`x=http://127.0.0.1:${(server.address() as AddressInfo).port},token=t`, false))
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test('a client sends each request once and reads whole answers', async () => {
  const seen = new Set<string>()
  await withServer(
    (request, response) => {
      seen.add(`${request.url} ${request.headers['x-vault-token']}`)
      response.end(JSON.stringify({ data: { path: request.url } }))
    },
    async (target) => {
      const client = new Client(target)
      await client.each(100, 7, (i) => ({ method: 'GET', path: `/v1/${i}` }))
      assert.equal(seen.size, 100)
      assert.ok(seen.has('/v1/42 t'))
      assert.deepEqual((await client.call('GET', '/v1/one')).data, { path: '/v1/one' })
    },
  )
})

test('a refusal during preparation is thrown with its text', async () => {
  await withServer(
    (_, response) => response.writeHead(403).end('{"errors":["permission denied"]}'),
    async (target) => {
      await assert.rejects(new Client(target).call('GET', '/v1/x'), /403: permission denied/)
      await assert.rejects(
        new Client(target).each(3, 1, () => ({ method: 'GET', path: '/v1/x' })),
        /403/,
      )
    },
  )
})

test('a server that closes after each answer, or without one, is dialled again', async () => {
  const statuses: number[] = []
  await withServer(
    (request, response) => {
      if (request.url === '/cut') return void request.socket.destroy()
      response.writeHead(200, { connection: 'close' }).end('x')
    },
    async (target) => {
      const paths = ['/a', '/cut', '/b']
      const next = (): Buffer | undefined => {
        const path = paths.shift()
        return path === undefined ? undefined : toBytes(target, { method: 'GET', path })
      }
      await startClosedLoop(target, 1, next, (status) => statuses.push(status)).finished
    },
  )
  assert.deepEqual(statuses, [200, 0, 200])
})

test('the open loop counts from when a request was due', async () => {
  let load: Load | undefined
  let asked = 0
  const server: RequestListener = (_, response) => {
    const backlog = asked++ < 3 ? 2 : 0
    const answer = (): void => ((load?.waiting().length ?? 0) >= backlog ? void response.end() : void setImmediate(answer))
    answer()
  }
  await withServer(server, async (target) => {
    const request = toBytes(target, { method: 'GET', path: '/' })
    const since: number[] = []
    await new Promise<void>((resolve) => {
      load = startOpenLoop(
        target,
        1,
        1000,
        () => request,
        (_status, _body, due) => {
          if (since.push(due) === 3) resolve()
        },
      )
    })
    await load?.stop()
    // However late the single connection was free, the due times stay on the schedule of one a millisecond.
    assert.ok(Math.abs((since[2] ?? 0) - (since[0] ?? 0) - 2) < 1e-6)
  })
})
