// How a line travels: bare, or as a syslog message (RFC 5424, or the local form that `/dev/log` expects), one by one or in a stream.
import type { Way } from './options.ts'

export interface Framing {
  /** A message for a datagram. */
  datagram(line: Buffer): Buffer
  /** A message within a stream, with what tells it from the next. */
  stream(line: Buffer): Buffer
}

const NEWLINE = Buffer.from('\n')
/** RFC 5424 §6.2.1. */
const INFORMATIONAL = 6
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

const BARE: Framing = {
  datagram: (line) => Buffer.concat([line, NEWLINE]),
  stream: (line) => Buffer.concat([line, NEWLINE]),
}

export function framingOf(way: Extract<Way, { kind: 'socket' | 'syslog' }>, host: string): Framing {
  if (way.kind === 'socket') return BARE
  const priority = `<${way.facility * 8 + INFORMATIONAL}>`
  const header =
    way.format === 'rfc5424'
      ? (time: string) => `${priority}1 ${time || '-'} ${host || '-'} ${way.tag} - audit - `
      : (time: string) => `${priority}${localTime(time)}${way.tag}: `
  const message = (line: Buffer): Buffer => Buffer.concat([Buffer.from(header(timeOf(line))), line])
  return {
    datagram: message,
    // Octet counting (RFC 6587 §3.4.1); the local form has no such thing, and ends with its line.
    stream(line) {
      const whole = message(line)
      return way.format === 'rfc5424' ? Buffer.concat([Buffer.from(`${whole.length} `), whole]) : Buffer.concat([whole, NEWLINE])
    },
  }
}

/** When the line was made, by its own word. */
function timeOf(line: Buffer): string {
  return /^\{"time":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)"/.exec(line.toString('latin1', 0, 50))?.[1] ?? ''
}

/** `Nov  8 01:02:03 `, in UTC (RFC 3164 §4.1.2). */
function localTime(time: string): string {
  const [, month, day, clock] = /^\d{4}-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)/.exec(time) ?? []
  return month === undefined ? '' : `${MONTHS[Number(month) - 1]} ${String(Number(day)).padStart(2)} ${clock} `
}
