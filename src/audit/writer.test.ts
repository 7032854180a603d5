// Writing lines: what a torn append, a lost file, a slow or failing disk do to records, and that the chain stays true.
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { Torn } from '../base/ports.ts'
import { handTimers, LOG, openAuditLog } from '../testing/audit-log.ts'
import { settableClock } from '../testing/clock.ts'
import { type Head, lineHash, openChain } from './chain.ts'
import { FileOut } from './file.ts'
import { headsIn } from './heads.ts'
import type { Out } from './sink.ts'
import { Writer } from './writer.ts'

const broken = new Error('no space left on device')

describe('an append that stops short', () => {
  test('keeps what is whole, refuses the rest, and the half line is vouched for', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(2)
    const lineBytes = (log.files.text(LOG).split('\n')[1] as string).length + 1
    log.files.breakAt(broken, lineBytes * 2 + 20)
    const results = await Promise.allSettled([one.write(), one.write(), one.write(), one.write()])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled', 'rejected', 'rejected'],
    )
    assert.match(one.writer.state().failing ?? '', /no space left/)
    log.files.breakAt(broken)
    await assert.rejects(one.write())
    log.files.breakAt(undefined)
    await one.write()
    assert.equal(one.writer.state().failing, undefined)
    await one.writer.close()
    const report = log.verify([LOG])
    assert.deepEqual(report.findings, [])
    assert.ok(
      report.notes.some((note) => note.startsWith(`${LOG}:6 is half a line`)),
      report.notes.join(),
    )
    const kept = [...log.files.text(LOG).matchAll(/"type":"request","request":\{"id":"(\d+)"\},"chain"/g)].map(([, id]) => id)
    assert.deepEqual(kept, ['1', '2', '3', '4', '8'])
  })

  test('just before the end of a line keeps the line', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(1)
    const lineBytes = (log.files.text(LOG).split('\n')[1] as string).length
    log.files.breakAt(broken, lineBytes)
    await one.write()
    log.files.breakAt(undefined)
    await one.write()
    await one.writer.close()
    assert.deepEqual(log.verify([LOG]).findings, [])
  })

  test('at nothing leaves the chain where it was', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(1)
    log.files.breakAt(broken)
    await assert.rejects(one.write())
    log.files.breakAt(undefined)
    await one.write()
    await one.writer.close()
    assert.deepEqual([log.verify([LOG]).findings, log.verify([LOG]).notes], [[], []])
  })
})

test('whatever fails when, the log has what was promised, each once, and holds', async () => {
  const step = fc.record({ process: fc.nat(2), records: fc.integer({ min: 1, max: 4 }), taken: fc.option(fc.nat(3_000), { freq: 2 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
      const log = openAuditLog()
      const processes = [log.start(), log.start(), log.start()]
      const promised: string[] = []
      let records = 0
      for (const { process, records: count, taken } of steps) {
        log.files.breakAt(taken === null ? undefined : broken, taken ?? 0)
        const lines = Array.from({ length: count }, () => `{"time":"t","type":"request","request":{"id":"${++records}"}}`)
        const results = await Promise.allSettled(lines.map(async (line) => processes[process]?.writer.write(line)))
        promised.push(...lines.filter((_, at) => results[at]?.status === 'fulfilled'))
      }
      log.files.breakAt(undefined)
      for (const { writer } of processes) await writer.close()
      const written = log.files
        .text(LOG)
        .split('\n')
        .flatMap((line) => /^(\{"time":"t".*\}),"chain":.*\}\}$/.exec(line)?.[1] ?? [])
      assert.deepEqual(
        written.map((line) => `${line}}`.replace(/\}\}\}$/, '}}')),
        promised,
      )
      if (log.files.text(LOG) !== '') assert.deepEqual(log.verify([LOG]).findings, [])
    }),
    { numRuns: 300 },
  )
})

test('half a line that a killed process left is ended by the next one, and no line grows into it', async () => {
  const log = openAuditLog()
  const [a, b] = [log.start(), log.start()]
  await a.write(2)
  await b.write(2)
  log.files.openAppend(LOG).append(Buffer.from('{"time":"2030-01-02T03:04:05Z","type":"requ'))
  await a.write(1)
  await b.write(1)
  for (const one of [a, b]) await one.writer.close()
  const { findings, notes } = log.verify([LOG])
  assert.deepEqual(findings, [])
  assert.equal(notes.filter((note) => note.includes('half a line')).length, 1)
})

test('a file that is written through keeps a record only once the disk has it', async () => {
  const log = openAuditLog()
  const out = new FileOut(LOG, { synced: true }, { files: log.files, clock: log.clock, mishap() {} })
  const { privateKey } = generateKeyPairSync('ed25519')
  const chain = openChain('synced', { key: privateKey, keyId: 'k'.repeat(16) })
  const writer = new Writer({ out, chain, device: 'd/', clock: log.clock, timers: handTimers(), others: () => [], signed: async () => {} })
  await Promise.all([writer.write(line(1)), writer.write(line(2))])
  assert.equal(log.files.syncs, 1)
  await writer.write(line(3))
  assert.equal(log.files.syncs, 2)
})

describe('a file that', () => {
  test('was deleted is made anew at once', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(2)
    log.files.unlink(LOG)
    await one.write(1)
    assert.deepEqual(one.mishaps, ['deleted'])
    assert.match(log.files.text(LOG), /"occasion":"reopen"/)
    assert.match(log.verify([LOG]).findings[0]?.text ?? '', /begins with line 4 in the middle/)
  })

  test('was moved away is noticed within a second, and the chain goes on in the new one', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(2)
    log.files.rename(LOG, '/moved')
    await one.write(1)
    log.clock.advance(1_000)
    await one.write(1)
    await one.writer.close()
    assert.deepEqual(one.mishaps, ['replaced'])
    assert.deepEqual(log.verify(['/moved', LOG]).findings, [])
  })

  test('was cut is noticed at the next record', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(3)
    log.files.cut(LOG, 700)
    await one.write(1)
    await one.writer.close()
    assert.deepEqual(one.mishaps, ['cut'])
    assert.ok(log.verify([LOG]).findings.length > 0)
  })

  test('is something else is not written to', async () => {
    const log = openAuditLog()
    log.files.openAppend(LOG).append(Buffer.from('alias ls=rm\n'))
    await assert.rejects(log.start().write(), /holds something else than audit records/)
    assert.equal(log.files.text(LOG), 'alias ls=rm\n')
  })
})

test('what a killed process wrote after its last checkpoint is vouched for by the next one, as it was found', async () => {
  const log = openAuditLog()
  const killed = log.start()
  await killed.write(1)
  killed.timers.fire()
  await killed.write(2)
  const head = log.heads.get('chain1') as Head
  const later = log.start()
  await later.write(1)
  const others = /"others":(\[.*?\])/.exec(log.files.text(LOG).split('\n').at(-3) ?? '')?.[1] ?? ''
  assert.equal(JSON.parse(others)[0].seq, head.seq + 2)
  const lines = log.files
    .text(LOG)
    .split('\n')
    .filter(Boolean)
    .map((text) => Buffer.from(text))
  const altered = lines.with(3, Buffer.from(lines[3]?.toString().replace('"2"', '"9"') ?? ''))
  assert.deepEqual(headsIn(altered, [head]), { heads: [{ ...head, seq: head.seq + 1, hash: lineHash(altered[3] as Buffer) }], broken: ['chain1'] })
})

interface Slow {
  readonly writer: Writer
  readonly timers: ReturnType<typeof handTimers>
  readonly written: string[]
  settle(error?: unknown): void
}

/** A writer whose appends end when they are told to. */
function slow(): Slow {
  const written: string[] = []
  const timers = handTimers()
  let pending = Promise.withResolvers<void>()
  const out: Out = {
    ready: () => ({ fresh: false, torn: undefined }),
    append(bytes) {
      written.push(bytes.toString())
      pending = Promise.withResolvers<void>()
      return pending.promise
    },
    close() {},
  }
  const { privateKey } = generateKeyPairSync('ed25519')
  const chain = openChain('slow', { key: privateKey, keyId: 'k'.repeat(16) })
  const writer = new Writer({ out, chain, device: 'd/', clock: settableClock(), timers, others: () => [], signed: async () => {} })
  return { writer, timers, written, settle: (error) => (error === undefined ? pending.resolve() : pending.reject(error)) }
}

const line = (n: number) => `{"n":${n}}`
const turns = async () => {
  for (let n = 0; n < 10; n++) await Promise.resolve()
}

describe('a slow way out', () => {
  test('takes what came meanwhile in one go', async () => {
    const { writer, written, settle } = slow()
    const first = writer.write(line(1))
    await turns()
    const others = [writer.write(line(2)), writer.write(line(3))]
    await turns()
    assert.equal(written.length, 1)
    settle()
    await first
    await turns()
    assert.equal(written.length, 2)
    assert.equal(written[1]?.split('\n').filter(Boolean).length, 2)
    settle()
    await Promise.all(others)
  })

  test('that is late fails its records and refuses more at once, until it is there again', async () => {
    const { writer, timers, written, settle } = slow()
    const late = writer.write(line(1))
    await turns()
    const waiting = writer.write(line(2))
    timers.fire()
    await assert.rejects(late, /blocked/)
    await assert.rejects(waiting, /blocked/)
    await assert.rejects(writer.write(line(3)), /blocked/)
    assert.match(writer.state().failing ?? '', /blocked/)
    settle()
    await turns()
    const again = writer.write(line(4))
    await turns()
    settle()
    await again
    assert.match(written[1] ?? '', /"n":4,"chain":\{"id":"slow","seq":3/)
  })

  test('whose disk fails promises nothing, and the chain tells of what is there', async () => {
    const { writer, written, settle } = slow()
    const first = writer.write(line(1))
    await turns()
    settle(new Torn((written[0] as string).length, new Error('EIO'), false))
    await assert.rejects(first, /EIO/)
    const second = writer.write(line(2))
    await turns()
    settle()
    await second
    assert.match(written[1] ?? '', /"seq":3/)
  })
})
