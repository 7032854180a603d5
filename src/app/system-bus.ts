// One call after another over the system's D-Bus, each on a connection of its own.
import { connect, type Socket } from 'node:net'
import { type AskBus, DbusError } from '../agent/attestors/systemd.ts'
import { type DbusCall, decodeMessage, type DbusMessage, encodeCall } from '../wire/dbus.ts'

const TIMEOUT = 5_000
const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' }
const HELLO: DbusCall = { ...BUS, member: 'Hello', args: [] }
const HELLO_SERIAL = 1
const CALL_SERIAL = 2

/** `path` is that of the bus's socket. */
export const askBus =
  (path: string): AskBus =>
  (call) =>
    new Promise((resolve, reject) => {
      const socket = connect(path)
      const settle = (finish: () => void): void => {
        socket.destroy()
        finish()
      }
      socket.setTimeout(TIMEOUT, () => settle(() => reject(new Error('the system bus did not answer in time'))))
      socket.on('error', (error) => settle(() => reject(error)))
      socket.on('close', () => reject(new Error('the system bus hung up')))
      // As the user that this process runs as, which the bus sees for itself (D-Bus Specification, "EXTERNAL").
      socket.write(`\0AUTH EXTERNAL ${Buffer.from(String(process.geteuid?.())).toString('hex')}\r\n`)
      hear(socket, call, (answer) =>
        settle(() => {
          if (answer instanceof Error) reject(answer)
          else if (answer.error !== undefined) reject(new DbusError(answer.error))
          else if (answer.text === undefined) reject(new Error('the service gave an answer of another form'))
          else resolve(answer.text)
        }),
      )
    })

/** First the words of the handshake, then messages; of these only the answer to the call matters. */
function hear(socket: Socket, call: DbusCall, answered: (answer: DbusMessage | Error) => void): void {
  let heard = Buffer.alloc(0)
  let greeted = false
  socket.on('data', (chunk: Buffer) => {
    heard = Buffer.concat([heard, chunk])
    try {
      if (!greeted) {
        const end = heard.indexOf('\r\n')
        if (end < 0) return
        if (!heard.toString('latin1', 0, end).startsWith('OK ')) return answered(new Error('the system bus does not let this user in'))
        heard = heard.subarray(end + 2)
        greeted = true
        socket.write(Buffer.concat([Buffer.from('BEGIN\r\n'), encodeCall(HELLO_SERIAL, HELLO), encodeCall(CALL_SERIAL, call)]))
      }
      for (let next = decodeMessage(heard); next; next = decodeMessage(heard)) {
        heard = heard.subarray(next.end)
        if (next.message.replyTo === CALL_SERIAL) return answered(next.message)
      }
    } catch (error) {
      answered(error as Error)
    }
  })
}
