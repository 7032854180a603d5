// Calls between two processes of one machine, over the channel that Node gives a child.
import { Fault, type FaultCode } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { bytesIn, sealedWire, wipe, type Wire } from './sealed-wire.ts'

export type Handlers = Readonly<Record<string, (argument: never) => unknown>>

/** Bytes in an argument or a result may be secrets: they cross sealed, and are wiped here where they were a handler's result. */
export interface Channel {
  /** Runs a handler of the other end; its Fault is thrown here too. */
  call<T>(name: string, argument?: unknown): Promise<T>
  /** Fails every call that waits: the other end is gone. */
  abandon(): void
}

interface Call {
  readonly call: number
  readonly name: string
  readonly argument: unknown
}

interface Result {
  readonly result: number
  readonly value?: unknown
  readonly fault?: { readonly code: FaultCode; readonly errors: readonly string[] }
}

interface Waiting {
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

export function openChannel(open: Wire, handlers: Handlers, log: Log): Channel {
  const wire = sealedWire(open)
  const waiting = new Map<number, Waiting>()
  let last = 0

  async function serve({ call, name, argument }: Call): Promise<void> {
    const result = await outcome({ call, name, argument }, handlers, log)
    wire.send(result)
    wipe(bytesIn(result.value))
  }

  function settle({ result, value, fault }: Result): void {
    const one = waiting.get(result)
    waiting.delete(result)
    if (fault) one?.reject(new Fault(fault.code, ...fault.errors))
    else one?.resolve(value)
  }

  wire.receive((message) => {
    if (typeof message !== 'object' || message === null) return
    if ('call' in message) void serve(message as Call)
    else if ('result' in message) settle(message as Result)
  })
  return {
    call: <T>(name: string, argument?: unknown) =>
      new Promise<T>((resolve, reject) => {
        waiting.set(++last, { resolve: resolve as (value: unknown) => void, reject })
        wire.send({ call: last, name, argument } satisfies Call)
      }),
    abandon() {
      for (const { reject } of waiting.values()) reject(new Fault('unavailable', 'the process is gone'))
      waiting.clear()
      wire.close()
    },
  }
}

async function outcome({ call, name, argument }: Call, handlers: Handlers, log: Log): Promise<Result> {
  try {
    const handler = handlers[name]
    if (!handler) throw new Error(`no handler named ${name}`)
    return { result: call, value: await handler(argument as never) }
  } catch (error) {
    if (error instanceof Fault) return { result: call, fault: { code: error.code, errors: error.errors } }
    log.error('a call between processes failed', { name }, error)
    return { result: call, fault: { code: 'internal', errors: ['internal error'] } }
  }
}
