import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { sendOutbound } from './outbound.ts'

describe('requests to the outside', () => {
  let server: Server
  let address: string
  let asked = 0
  before(async () => {
    server = createServer((request, response) => {
      if (request.url === '/silent') return // it may come after its client went
      asked++
      if (request.url === '/moved') response.writeHead(307, { location: '/' }).end('elsewhere')
      else request.pipe(response)
    })
    await new Promise<void>((resolve) => server.listen(0, resolve))
    address = `localhost:${(server.address() as AddressInfo).port}`
  })
  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const bounds = { timeoutMs: 60_000, maxBytes: 100 }

  test('bring back what was answered, a redirect like anything else', async () => {
    const answer = await sendOutbound({ method: 'POST', url: `http://${address}/`, body: 'häh', ...bounds })
    assert.deepEqual([answer.status, answer.body.toString()], [200, 'häh'])
    const moved = await sendOutbound({ method: 'GET', url: `http://${address}/moved`, ...bounds })
    assert.deepEqual([moved.status, moved.body.toString()], [307, 'elsewhere'])
  })

  test('end where the answer is too long or takes too long, and with what is no HTTP', async () => {
    const long = { method: 'POST', url: `http://${address}/`, body: 'x'.repeat(101), ...bounds } as const
    await assert.rejects(sendOutbound(long), /more than 100 bytes/)
    await assert.rejects(sendOutbound({ method: 'GET', url: `http://${address}/silent`, ...bounds, timeoutMs: 1 }), /abort/)
    await assert.rejects(sendOutbound({ method: 'GET', url: 'file:///etc/passwd', ...bounds }), /not asked by HTTP/)
  })

  test('go only to addresses that are allowed, whether by name or by number', async () => {
    const before = asked
    const seen: string[] = []
    const nowhere = (one: string) => {
      seen.push(one)
      return false
    }
    const port = address.split(':')[1]
    for (const url of [`http://${address}/`, `http://127.0.0.1:${port}/`, `http://[::1]:${port}/`, `http://2130706433:${port}/`]) {
      await assert.rejects(sendOutbound({ method: 'GET', url, ...bounds, mayReach: nowhere }), /may not be reached/)
    }
    assert.ok(seen.every((one) => one === '127.0.0.1' || one === '::1'))
    assert.equal(asked, before)
  })

  test('go nowhere where a name also stands for an address that is not allowed', async () => {
    let looks = 0
    const once = () => ++looks === 1 // the first of its addresses, or before the connection and no more after it
    const before = asked
    await assert.rejects(sendOutbound({ method: 'GET', url: `http://${address}/`, ...bounds, mayReach: once }), /may not be reached/)
    assert.equal(asked, before)
  })
})
