// A stream of messages that ends with an error where it takes too long, so that nobody holds a call open by saying nothing.
import type { Timers } from '../base/ports.ts'
import { GrpcError, STATUS } from './grpc.ts'

/** The items, as long as they come within `ms` milliseconds from the start. Throws a GrpcError after that. */
export async function* within<T>(items: AsyncIterable<T>, ms: number, timers: Pick<Timers, 'after'>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]()
  const { promise: over, reject } = Promise.withResolvers<never>()
  over.catch(() => {}) // it may come while nobody waits
  const cancel = timers.after(ms, () => reject(new GrpcError(STATUS.deadline, 'took too long')))
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), over])
      if (next.done) return
      yield next.value
    }
  } finally {
    cancel()
  }
}
