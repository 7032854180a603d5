import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settableClock } from '../testing/clock.ts'
import { allAt, type LogOptions, openLogs, parseLevel } from './log.ts'

function openWritten(format: LogOptions['format'] = 'standard') {
  const lines: string[] = []
  const logs = openLogs({ level: 'info', format, clock: settableClock(), write: (line) => void lines.push(line) })
  return { logs, lines, take: () => lines.splice(0).map((line) => line.replace(/^\S+ /, '')) }
}

test('a line names the part of the server, and carries facts', () => {
  const { logs, take } = openWritten()
  logs.log.info('listening', { port: 8200, host: '::1' })
  logs.log.named('audit').with({ device: 'file/' }).warn('slow', { ms: 3 })
  assert.deepEqual(take(), ['[INFO]  core: listening: port=8200 host="::1"\n', '[WARN]  audit: slow: device="file/" ms=3\n'])
})

test('as JSON, with the cause of an error', () => {
  const { logs, lines } = openWritten('json')
  logs.log.error('failed', {}, new Error('why'))
  const { '@level': level, '@module': module, '@message': message, error } = JSON.parse(lines[0] as string)
  assert.deepEqual([level, module, message, error.message], ['error', 'core', 'failed', 'why'])
})

test('levels are set for one part or for all, of logs that are in use too', () => {
  const { logs, take } = openWritten()
  const audit = logs.log.named('audit').with({ n: 1 })
  audit.debug('one')
  logs.setLevels({ audit: 'debug' })
  audit.debug('two')
  logs.log.debug('three')
  assert.deepEqual(take(), ['[DEBUG] audit: two: n=1\n'])
  assert.equal(logs.levels().audit, 'debug')
  logs.setLevels(allAt('error'))
  audit.warn('four')
  assert.deepEqual(take(), [])
  assert.deepEqual(new Set(Object.values(logs.levels())), new Set(['error']))
})

test('levels by their names in Vault', () => {
  assert.deepEqual(['INFO', 'err', 'warning', 'notice', ' trace '].map(parseLevel), ['info', 'error', 'warn', 'info', 'trace'])
  assert.throws(() => parseLevel('loud'), { message: 'invalid level provided: unknown log level: loud' })
})
