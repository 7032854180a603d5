// Whatever is done to a written log, verifying it says so, and where; and what crashes and rotation leave is no false alarm.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { type AuditLog, LOG, openAuditLog, verifyTexts } from '../testing/audit-log.ts'
import type { Report } from './verify.ts'

const texts = ({ findings }: Report) => findings.map(({ at, text }) => `${at?.file ?? ''}:${at?.line ?? ''} ${text}`)

/** Three processes, one of them killed, another started later; the file is rotated in between. All end in good order but one. */
async function written(): Promise<AuditLog> {
  const log = openAuditLog()
  const [a, b, killed] = [log.start(), log.start(), log.start()]
  for (let round = 0; round < 3; round++) for (const one of [a, b, killed]) await one.write(2)
  for (const one of [a, b, killed]) one.timers.fire()
  await killed.write(1)
  await a.write(3)
  const late = log.start()
  await late.write(1)
  log.files.rename(LOG, '/old.log')
  late.writer.reopen()
  a.writer.reopen()
  b.writer.reopen()
  await a.write(2)
  await b.write(2)
  await late.write(3)
  for (const one of [a, b, late]) {
    one.timers.fire()
    await one.write(1)
    await one.writer.close()
  }
  return log
}

describe('a log that nobody touched', () => {
  test('holds, over rotation, a killed process and a later one', async () => {
    const log = await written()
    const report = log.verify(['/old.log', LOG])
    assert.deepEqual(report.findings, [])
    assert.deepEqual(
      report.chains.map(({ id, first, last, ended, device }) => ({ id, first, last, ended, device })),
      [
        { id: 'chain1', first: 1, last: 18, ended: true, device: 'file/' },
        { id: 'chain2', first: 1, last: 15, ended: true, device: 'file/' },
        { id: 'chain3', first: 1, last: 9, ended: false, device: 'file/' },
        { id: 'chain4', first: 1, last: 10, ended: true, device: 'file/' },
      ],
    )
  })

  test('may be given without its older files, unless it is said to be complete', async () => {
    const log = await written()
    const alone = log.verify([LOG], { complete: false })
    assert.deepEqual(alone.findings, [])
    assert.ok(alone.notes.some((note) => note.startsWith('chain chain1 begins with line')))
    assert.ok(alone.notes.some((note) => note.includes('chain3') && note.includes('not in these files')))
    assert.ok(log.verify([LOG]).findings.length > 0)
    assert.ok(log.verify([LOG, '/old.log'], { complete: false }).findings.length > 0, 'files in the wrong order')
  })

  test('while it is written, tells what no signature vouches for yet', async () => {
    const log = openAuditLog()
    const one = log.start()
    await one.write(3)
    const report = log.verify([LOG])
    assert.deepEqual(report.findings, [])
    assert.ok(report.notes.includes('of chain chain1, lines 2 to 4 are not vouched for by a signature yet'), report.notes.join('\n'))
    one.timers.fire()
    assert.equal(log.verify([LOG]).chains[0]?.vouched, 5)
  })
})

describe('what was done to a log is found, with its place', () => {
  const edits: readonly [string, (lines: string[]) => void, RegExp][] = [
    [
      'a word changed',
      (lines) => void (lines[3] = lines[3]?.replace('request', 'reqUest') ?? ''),
      /^:4 line 4 of chain chain1 is not what line 5 \(:5\) says it was/,
    ],
    ['a line removed', (lines) => void lines.splice(3, 1), /^:4 line 4 is missing of chain chain1 before this one, after :3/],
    ['lines removed', (lines) => void lines.splice(3, 3), /^:4 lines 4 to 6 are missing of chain chain1/],
    [
      'a line repeated',
      (lines) => void lines.splice(3, 0, lines[2] ?? ''),
      /^:4 line 3 of chain chain1 comes after line 3: it was repeated or moved/,
    ],
    [
      'two lines swapped',
      (lines) => void lines.splice(2, 2, lines[3] ?? '', lines[2] ?? ''),
      /^:3 line 3 is missing of chain chain1 before this one, after :2/,
    ],
    ['a line added', (lines) => void lines.splice(3, 0, '{"time":"now","type":"request"}'), /^:4 is no line of a chain/],
    ['the end cut off', (lines) => void lines.splice(6), /^:6 chain chain1 ends here with line 6, but line 10 is vouched for by the server/],
    ['the beginning cut off', (lines) => void lines.splice(0, 3), /^:1 chain chain1 begins with line 4 in the middle/],
    ['a signature changed', (lines) => void (lines[0] = lines[0]?.replace(/"sig":"../, '"sig":"00') ?? ''), /^:1 has a signature that does not fit/],
    ['everything removed', (lines) => void lines.splice(0), /there are no lines|none of its lines/],
  ]
  for (const [name, edit, message] of edits) {
    test(name, async () => {
      const log = openAuditLog()
      const one = log.start()
      await one.write(8)
      await one.writer.close()
      const lines = log.files.text(LOG).trim().split('\n')
      assert.equal(lines.length, 10)
      edit(lines)
      const text = lines.map((line) => `${line}\n`).join('')
      const report = verifyTexts(new Map([['', text]]), { key: log.key, heads: [...log.heads.values()] })
      assert.match(texts(report)[0] ?? 'nothing was found', message)
    })
  }

  test('all lines of one of several processes removed', async () => {
    const log = openAuditLog()
    const [a, b] = [log.start(), log.start()]
    await a.write(2)
    await b.write(2)
    b.timers.fire()
    await b.write(2)
    b.timers.fire()
    a.timers.fire()
    const others = log.files
      .text(LOG)
      .split('\n')
      .filter((line) => !line.includes('"chain":{"id":"chain2"'))
    const report = verifyTexts(new Map([['', others.join('\n')]]), { key: log.key })
    assert.match(texts(report)[0] ?? '', /chain chain2 is spoken of here, and none of its lines is in these files/)
  })

  test('a tail that was written anew without the key, after its process was killed', async () => {
    const log = openAuditLog()
    const killed = log.start()
    await killed.write(2)
    killed.timers.fire()
    await killed.write(2)
    const honest = log.files.text(LOG)
    const later = log.start()
    await later.write(1)
    const added = log.files.text(LOG).slice(honest.length)
    const forged = openAuditLog()
    const twin = forged.start()
    await twin.write(2)
    const lines = honest.trim().split('\n')
    const last = lines.at(-1) ?? ''
    const text = [...lines.slice(0, -1), last.replace('"id":"4"', '"id":"5"')].map((line) => `${line}\n`).join('') + added
    const report = verifyTexts(new Map([['', text]]), { key: log.key })
    assert.match(texts(report)[0] ?? '', /line 6 of chain chain1 is not the one that is vouched for at :7: it was altered/)
  })
})

test('another key is told apart from a broken signature', async () => {
  const log = await written()
  const { key } = openAuditLog()
  assert.match(texts(log.verify(['/old.log', LOG], { key }))[0] ?? '', /is signed with the key .{16}, not with .{16}$/)
})

for (const garbage of ['\\n', '\\u00', '\n', '\u0000', '\t', '\\x']) {
  test(`a device's name that no JSON holds (${JSON.stringify(garbage)}) is found and stops nothing`, async () => {
    const log = await written()
    const text = log.files.text(LOG).replace('"device":"', `"device":"${garbage}`)
    assert.notEqual(verifyTexts(new Map([['', text]]), { key: log.key }).findings.length, 0)
  })
}

test('whatever is flipped, dropped, swapped, moved, repeated or cut is found', async () => {
  const log = await written()
  const honest = Buffer.from(log.files.text('/old.log') + log.files.text(LOG))
  const options = { key: log.key, heads: [...log.heads.values()], complete: true }
  const isFound = (bytes: Buffer) => verifyTexts(new Map([['', bytes]]), options).findings.length > 0
  assert.equal(isFound(honest), false)
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(EDITS)), fc.nat(), fc.nat(), (name, n, m) => {
      const bytes = EDITS[name]?.(honest, n, m) as Buffer
      return sameLines(bytes, honest) || isFound(bytes)
    }),
    { numRuns: 2_000 },
  )
})

const linesOf = (bytes: Buffer) => bytes.toString('latin1').trim().split('\n')
const join = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1')
const inLines =
  (edit: (lines: string[], n: number, m: number) => string[]) =>
  (bytes: Buffer, n: number, m: number): Buffer => {
    const lines = linesOf(bytes)
    return join(edit(lines, n % lines.length, m % lines.length))
  }

const EDITS: Readonly<Record<string, (bytes: Buffer, n: number, m: number) => Buffer>> = {
  flip(bytes, n, m) {
    const out = Buffer.from(bytes)
    out[n % out.length] = (out[n % out.length] as number) ^ (1 + (m % 255))
    return out
  },
  drop: inLines((lines, n) => lines.toSpliced(n, 1)),
  repeat: inLines((lines, n, m) => lines.toSpliced(m, 0, lines[n] as string)),
  swap: inLines((lines, n, m) => lines.with(n, lines[m] as string).with(m, lines[n] as string)),
  move: inLines((lines, n, m) => lines.toSpliced(n, 1).toSpliced(m, 0, lines[n] as string)),
  cutEnd: (bytes, n) => bytes.subarray(0, n % bytes.length),
  cutStart: (bytes, n) => bytes.subarray(1 + (n % (bytes.length - 1))),
  cutOut: (bytes, n, m) => Buffer.concat([bytes.subarray(0, n % bytes.length), bytes.subarray((n % bytes.length) + 1 + (m % 5_000))]),
}

/** Empty lines say nothing, and two processes' lines may stand in any order. */
function sameLines(a: Buffer, b: Buffer): boolean {
  return perChain(a) === perChain(b) && a.at(-1) === b.at(-1)
}

function perChain(bytes: Buffer): string {
  const lines = bytes.toString('latin1').split('\n').filter(Boolean)
  const chains = Map.groupBy(lines, (line) => /"chain":\{"id":"(\w+)"/.exec(line)?.[1] ?? '')
  return JSON.stringify([...chains].sort(([x], [y]) => x.localeCompare(y)))
}
