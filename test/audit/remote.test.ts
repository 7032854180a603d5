// Remote audit devices over real sockets: nothing that was kept is lost, whatever the other side does, and the bound is kept.
import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { start } from '../faults/lines.ts'
import { folder, freePort } from '../support/server.ts'
import { device, numbers, openOrphans, openSink, openTaker, record, spools, until, verified, wayOf } from './rig.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n)
const writeAll = (sink: { write(record: string): Promise<void> }, count: number) => Promise.all(upTo(count).map((n) => sink.write(record(n))))

describe('a stream socket', () => {
  test('gets every line whole and in order, and the chain holds', async (t) => {
    const taker = await openTaker(t, { port: 0, host: '127.0.0.1' })
    const at = folder(t)
    const sink = openSink(at, wayOf('socket', { address: taker.address }))
    await sink.prove()
    await writeAll(sink, 500)
    await taker.until(500)
    await sink.close()
    await until('the end arrives', () => taker.lines.some((line) => line.includes('"occasion":"end"')))
    assert.deepEqual(numbers(taker.lines), upTo(500))
    const { findings, chains } = verified(taker.lines)
    assert.deepEqual([findings, chains[0]?.ended], [[], true])
    assert.deepEqual(spools(at).list(device.id), [], 'an empty spool is removed')
  })

  test('of this machine works as well', async (t) => {
    const taker = await openTaker(t, { path: join(folder(t), 'socket') })
    const sink = openSink(folder(t), wayOf('socket', { address: taker.address, socket_type: 'unix' }))
    await writeAll(sink, 20)
    await taker.until(20)
    await sink.close()
    assert.deepEqual(verified(taker.lines).findings, [])
  })

  test('that nobody serves keeps nobody waiting, and gets all of it later', async (t) => {
    const port = await freePort()
    const sink = openSink(folder(t), wayOf('socket', { address: `127.0.0.1:${port}` }))
    await assert.rejects(sink.prove(), /ECONNREFUSED/)
    await writeAll(sink, 30)
    await until('it is told', () => /ECONNREFUSED/.test(sink.state().stalled ?? ''))
    assert.ok((sink.state().spooled ?? 0) > 30 * 100)
    const taker = await openTaker(t, { port, host: '127.0.0.1' })
    await taker.until(30)
    await until('nothing waits', () => sink.state().spooled === 0 && sink.state().stalled === undefined)
    await sink.close()
    assert.deepEqual(numbers(taker.lines), upTo(30))
  })

  test('that is cut again and again loses nothing', async (t) => {
    const taker = await openTaker(t, { port: 0, host: '127.0.0.1' })
    const sink = openSink(folder(t), wayOf('socket', { address: taker.address }))
    for (let n = 0; n < 200; n++) {
      await sink.write(record(n, 2_000))
      if (n % 40 === 39) for (const socket of taker.sockets) socket.destroy()
    }
    await taker.until(200)
    await sink.close()
    assert.deepEqual([...new Set(numbers(taker.lines))], upTo(200))
  })

  test('that stalls is served from the disk up to the bound, and then records are refused', async (t) => {
    const taker = await openTaker(t, { port: 0, host: '127.0.0.1' }, false)
    const sink = openSink(folder(t), wayOf('socket', { address: taker.address, spool_max_bytes: `${1 << 20}`, write_timeout: '1' }))
    let kept = 0
    await assert.rejects(async () => {
      for (; kept < 1_000; kept++) await sink.write(record(kept, 60_000))
    }, /the spool is full: \d+ bytes wait to be taken/)
    assert.ok(kept > 10)
    assert.match(sink.state().failing ?? '', /spool is full/)
    await until('it is told', () => sink.state().stalled !== undefined)
    for (const socket of taker.sockets) socket.resume()
    await taker.until(kept)
    await until('there is room', () => sink.state().spooled === 0)
    await sink.write(record(kept))
    await taker.until(kept + 1)
    assert.equal(sink.state().failing, undefined)
    await sink.close()
    assert.deepEqual([...new Set(numbers(taker.lines))], upTo(kept + 1))
  })
})

describe('what was not sent', () => {
  test('when its process was killed is sent by another, from the right record on', async (t) => {
    const at = folder(t)
    const port = await freePort()
    const promised: number[] = []
    const child = start('../audit/spool-writer.ts', [at, port], (line) => promised.push(Number(line)))
    await until('records are promised', () => promised.length > 50)
    child.kill('SIGKILL')
    await child.ended
    const taker = await openTaker(t, { port, host: '127.0.0.1' })
    const orphans = openOrphans(at)
    const way = wayOf('socket', { address: taker.address })
    const devices = [{ device, settings: { way } as never }]
    orphans.sweep(devices)
    await taker.until(promised.length)
    await until('the spool is gone', () => {
      orphans.sweep(devices)
      return spools(at).list(device.id).length === 0
    })
    await orphans.close()
    const came = numbers(taker.lines)
    assert.deepEqual(came, upTo(came.length))
    assert.ok(came.length >= promised.length)
    assert.equal(new Set(promised).size, promised.length)
  })

  test('is not taken from a process that lives, and goes with its device', async (t) => {
    const at = folder(t)
    const sink = openSink(at, wayOf('socket', { address: `127.0.0.1:${await freePort()}` }))
    await sink.write(record(0))
    const orphans = openOrphans(at)
    orphans.sweep([])
    assert.equal(spools(at).list(device.id).length, 1)
    await sink.close()
    assert.equal(spools(at).list(device.id).length, 1, 'it waits for whoever comes next')
    orphans.sweep([])
    assert.deepEqual(spools(at).list(), [])
    await orphans.close()
  })

  test('at an orderly stop waits on disk, and is sent after the start', async (t) => {
    const at = folder(t)
    const port = await freePort()
    const way = wayOf('socket', { address: `127.0.0.1:${port}` })
    const first = openSink(at, way)
    await writeAll(first, 10)
    await first.close()
    const taker = await openTaker(t, { port, host: '127.0.0.1' })
    const orphans = openOrphans(at)
    orphans.sweep([{ device, settings: { way } as never }])
    await taker.until(10)
    await until('the end arrives', () => taker.lines.some((line) => line.includes('"occasion":"end"')))
    await orphans.close()
    assert.deepEqual(verified(taker.lines).findings, [])
    assert.deepEqual(numbers(taker.lines), upTo(10))
  })
})

describe('a datagram socket', () => {
  test('gets a record each, and none that is too large', async (t) => {
    const server = createSocket('udp4')
    t.after(() => server.close())
    const lines: string[] = []
    server.on('message', (message) => lines.push(message.toString().trimEnd()))
    server.bind(0, '127.0.0.1')
    await once(server, 'listening')
    const sink = openSink(folder(t), wayOf('socket', { address: `127.0.0.1:${server.address().port}`, socket_type: 'udp' }))
    await sink.prove()
    await writeAll(sink, 20)
    await assert.rejects(sink.write(record(20, 66_000)), /fits in no datagram/)
    await until('all arrive', () => numbers(lines).length === 20)
    await sink.close()
    assert.deepEqual(numbers(lines), upTo(20))
    assert.deepEqual(verified(lines).findings, [])
  })
})
