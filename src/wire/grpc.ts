// gRPC services from declared messages, served over sockets that somebody else accepted and vouches for.
import grpc from '@grpc/grpc-js'
import type { Duplex } from 'node:stream'
import type { Message } from './protobuf.ts'

/** Codes of the gRPC protocol that are used here. */
export const STATUS = {
  cancelled: 1,
  unknown: 2,
  invalid: 3,
  deadline: 4,
  notFound: 5,
  alreadyExists: 6,
  denied: 7,
  exhausted: 8,
  precondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** What a handler throws to answer with a code. `details` is a google.rpc.Status in bytes. */
export class GrpcError extends Error {
  readonly code: number
  readonly details: Buffer | undefined

  constructor(code: number, message: string, details?: Buffer) {
    super(message)
    this.name = 'GrpcError'
    this.code = code
    this.details = details
  }
}

/** One call. `peer` is the name under which its connection was injected. */
export interface Call {
  readonly peer: string
  /** The single value of a metadata key; undefined where there is none or more than one. */
  metadata(key: string): string | undefined
  readonly signal: AbortSignal
}

export type Method =
  | {
      readonly kind: 'unary'
      readonly request: Message<unknown>
      readonly response: Message<unknown>
      run(call: Call, request: never): Promise<unknown>
    }
  | {
      /** `feed` is a stream of answers to one question. */
      readonly kind: 'feed' | 'stream'
      readonly request: Message<unknown>
      readonly response: Message<unknown>
      run(call: Call, requests: AsyncIterable<never>): AsyncIterable<unknown>
    }

export function unary<I, O>(request: Message<I>, response: Message<O>, run: (call: Call, request: I) => Promise<Partial<O>>): Method {
  return { kind: 'unary', request: request as Message<unknown>, response: response as Message<unknown>, run: run as never }
}

/** One question, and any number of answers. */
export function feed<I, O>(request: Message<I>, response: Message<O>, run: (call: Call, request: I) => AsyncIterable<Partial<O>>): Method {
  async function* answers(call: Call, requests: AsyncIterable<I>): AsyncGenerator<Partial<O>> {
    yield* run(call, await firstOf(requests))
  }
  return { ...stream(request, response, answers), kind: 'feed' }
}

/** Both sides may send any number of messages. */
export function stream<I, O>(
  request: Message<I>,
  response: Message<O>,
  run: (call: Call, requests: AsyncIterable<I>) => AsyncIterable<Partial<O>>,
): StreamMethod {
  return { kind: 'stream', request: request as Message<unknown>, response: response as Message<unknown>, run: run as never }
}

/** The one request of a stream of answers. Throws `invalid` where there is none. */
export async function firstOf<T>(requests: AsyncIterable<T>): Promise<T> {
  for await (const request of requests) return request
  throw new GrpcError(STATUS.invalid, 'no request')
}

type StreamMethod = Exclude<Method, { kind: 'unary' }>

/** Methods by name, by the full name of their service. */
export type Services = Readonly<Record<string, Readonly<Record<string, Method>>>>

export interface GrpcServer {
  /** Serves a connection whose bytes are already private and whose other side is known as `peer`. */
  inject(connection: Duplex, peer: string): void
  close(): void
}

/** Of one connection: a proxy has one for each secret. */
const MOST_STREAMS = 1_000

/** `failed` is told of errors that are nobody's answer; the client reads "internal error". */
export function openGrpc(services: Services, failed: (error: unknown) => void): GrpcServer {
  const server = new grpc.Server({ 'grpc.max_receive_message_length': 4 << 20, 'grpc.max_concurrent_streams': MOST_STREAMS })
  for (const [service, methods] of Object.entries(services)) {
    const entries = Object.entries(methods)
    server.addService(
      Object.fromEntries(entries.map(([name, method]) => [name, definition(`/${service}/${name}`, method)])),
      Object.fromEntries(entries.map(([name, method]) => [name, method.kind === 'unary' ? serveUnary(method, failed) : serveStream(method, failed)])),
    )
  }
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure())
  return {
    inject(connection, peer) {
      // By these two the server names the peer of each call.
      Object.defineProperties(connection, { remoteAddress: { value: peer }, remotePort: { value: undefined } })
      injector.injectConnection(connection)
    },
    close: () => server.forceShutdown(),
  }
}

function definition(path: string, { kind, request, response }: Method): grpc.MethodDefinition<unknown, unknown> {
  return {
    path,
    requestStream: kind !== 'unary',
    responseStream: kind !== 'unary',
    requestSerialize: (value) => request.encode(value as object),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (value) => response.encode(value as object),
    responseDeserialize: (bytes) => response.decode(bytes),
  }
}

function serveUnary({ run }: Method & { kind: 'unary' }, failed: (error: unknown) => void): grpc.handleUnaryCall<unknown, unknown> {
  return (call, answer) => {
    run(callOf(call), call.request as never).then(
      (value) => answer(null, value),
      (error: unknown) => answer(statusOf(error, failed)),
    )
  }
}

function serveStream({ run }: StreamMethod, failed: (error: unknown) => void): grpc.handleBidiStreamingCall<unknown, unknown> {
  return (call) => {
    void (async () => {
      try {
        // A handler that heard enough still has to answer.
        const requests = call.iterator({ destroyOnReturn: false }) as AsyncIterable<never>
        for await (const value of run(callOf(call), requests)) await sent(call, value)
        call.end()
      } catch (error) {
        if (call.cancelled && isGone(error)) return
        call.emit('error', statusOf(error, failed))
      }
    })()
  }
}

/** What a handler meets that waits for requests of somebody who hung up. */
const isGone = (error: unknown): boolean => (error as { code?: unknown }).code === 'ERR_STREAM_PREMATURE_CLOSE'

interface Served {
  readonly cancelled: boolean
  readonly metadata: grpc.Metadata
  getPeer(): string
  on(event: 'cancelled', listener: () => void): unknown
}

/** Resolves once it has left, or never can: for who does not read, no second message is made. */
function sent(call: grpc.ServerDuplexStream<unknown, unknown>, value: unknown): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('cancelled', done)
      resolve()
    }
    if (call.cancelled) return resolve()
    call.once('cancelled', done)
    call.write(value, done)
  })
}

function callOf(call: Served): Call {
  let cancel: AbortController | undefined
  return {
    peer: call.getPeer(),
    metadata(key) {
      const values = call.metadata.get(key)
      return values.length === 1 ? String(values[0]) : undefined
    },
    // Every call ends as if it were cancelled, and an abort costs more than all else here: it is for those that look.
    get signal() {
      if (cancel) return cancel.signal
      const controller = new AbortController()
      cancel = controller
      if (call.cancelled) controller.abort()
      else call.on('cancelled', () => controller.abort())
      return controller.signal
    },
  }
}

function statusOf(error: unknown, failed: (error: unknown) => void): Partial<grpc.StatusObject> {
  if (!(error instanceof GrpcError)) {
    failed(error)
    return { code: STATUS.internal, details: 'internal error' }
  }
  const metadata = new grpc.Metadata()
  if (error.details) metadata.set('grpc-status-details-bin', error.details)
  return { code: error.code, details: error.message, metadata }
}
