// gRPC services of which every call is counted: that it began, and with which code it ended.
import { type Call, GrpcError, type Method, type Services, STATUS } from './grpc.ts'

/** A call began; the result is called with its code once it is over. */
export type CountCall = (service: string, method: string) => (code: number) => void

const OK = 0

export function metered(services: Services, count: CountCall): Services {
  const counted = (service: string, name: string, method: Method): Method =>
    (method.kind === 'unary' ? unary(method) : streaming(method))(() => count(service, name))
  return Object.fromEntries(
    Object.entries(services).map(([service, methods]) => [
      service,
      Object.fromEntries(Object.entries(methods).map(([name, method]) => [name, counted(service, name, method)])),
    ]),
  )
}

type Begin = () => (code: number) => void

const codeOf = (error: unknown): number => (error instanceof GrpcError ? error.code : STATUS.internal)

const unary =
  (method: Method & { kind: 'unary' }) =>
  (begin: Begin): Method => ({
    ...method,
    async run(call: Call, request: never) {
      const end = begin()
      try {
        const answer = await method.run(call, request)
        end(call.signal.aborted ? STATUS.cancelled : OK)
        return answer
      } catch (error) {
        end(codeOf(error))
        throw error
      }
    },
  })

const streaming =
  (method: Exclude<Method, { kind: 'unary' }>) =>
  (begin: Begin): Method => ({
    ...method,
    async *run(call: Call, requests: AsyncIterable<never>) {
      const end = begin()
      let code: number = STATUS.cancelled // where the other side hangs up
      try {
        yield* method.run(call, requests)
        if (!call.signal.aborted) code = OK
      } catch (error) {
        code = codeOf(error)
        throw error
      } finally {
        end(code)
      }
    },
  })
