// Calls of gRPC methods from declared messages: one answer, or a conversation.
import type { Readable } from 'node:stream'
import grpc from '@grpc/grpc-js'
import { GrpcError, STATUS } from './grpc.ts'
import type { Message } from './protobuf.ts'

export interface CallOptions {
  /** Ends the call when it aborts. */
  readonly signal?: AbortSignal
  readonly metadata?: Readonly<Record<string, string>>
}

/** A call in which the other side sends any number of messages. */
export interface Answers<O> {
  /** The other side's next message; undefined at its end. Throws a GrpcError. */
  next(): Promise<O | undefined>
  /** Ends the call, whatever is under way. */
  cancel(): void
}

/** A call in which either side does. */
export interface Conversation<I, O> extends Answers<O> {
  send(value: Partial<I>): void
}

export interface GrpcClient {
  /** `path` is `/package.Service/Method`. Throws a GrpcError. */
  ask<I, O>(path: string, request: Message<I>, response: Message<O>, value: Partial<I>, options?: CallOptions): Promise<O>
  converse<I, O>(path: string, request: Message<I>, response: Message<O>, options?: CallOptions): Conversation<I, O>
  /** One question, and any number of answers. */
  listen<I, O>(path: string, request: Message<I>, response: Message<O>, value: Partial<I>, options?: CallOptions): Answers<O>
  close(): void
}

/**
 * `target` is `host:port` or `unix:/path`; `serverName` is asked for in TLS in place of the host. Nothing is connected before the
 * first call.
 */
export function openGrpcClient(target: string, credentials: grpc.ChannelCredentials, serverName?: string): GrpcClient {
  const client = new grpc.Client(target, credentials, {
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': 16 << 20,
    ...(serverName === undefined ? {} : { 'grpc.ssl_target_name_override': serverName }),
  })
  return {
    ask(path, request, response, value, options = {}) {
      return new Promise((resolve, reject) => {
        const call = client.makeUnaryRequest(path, writing(request), reading(response), value, metadataOf(options), (error, answer) =>
          error ? reject(toGrpcError(error)) : resolve(answer as never),
        )
        cancelOn(options.signal, call)
      })
    },
    converse(path, request, response, options = {}) {
      const call = client.makeBidiStreamRequest(path, writing(request), reading(response), metadataOf(options))
      cancelOn(options.signal, call)
      return { send: (value) => void call.write(value), ...answersOf(call) }
    },
    listen(path, request, response, value, options = {}) {
      const call = client.makeServerStreamRequest(path, writing(request), reading(response), value, metadataOf(options))
      cancelOn(options.signal, call)
      return answersOf(call)
    },
    close: () => client.close(),
  }
}

function answersOf<O>(call: Readable & { cancel(): void }): Answers<O> {
  call.on('error', () => {}) // `next` throws it
  const answers = call[Symbol.asyncIterator]()
  return {
    async next() {
      try {
        const { done, value } = await answers.next()
        return done ? undefined : value
      } catch (error) {
        throw toGrpcError(error as grpc.ServiceError)
      }
    },
    cancel: () => call.cancel(),
  }
}

const writing =
  <T>(message: Message<T>) =>
  (value: Partial<T>): Buffer =>
    message.encode(value)

const reading =
  <T>(message: Message<T>) =>
  (bytes: Buffer): T =>
    message.decode(bytes)

function metadataOf({ metadata = {} }: CallOptions): grpc.Metadata {
  const made = new grpc.Metadata()
  for (const [key, value] of Object.entries(metadata)) made.set(key, value)
  return made
}

function cancelOn(signal: AbortSignal | undefined, call: { cancel(): void; once(event: 'status', run: () => void): unknown }): void {
  if (!signal) return
  if (signal.aborted) return call.cancel()
  const cancel = () => call.cancel()
  signal.addEventListener('abort', cancel, { once: true })
  call.once('status', () => signal.removeEventListener('abort', cancel))
}

function toGrpcError(error: grpc.ServiceError): GrpcError {
  const [details] = error.metadata?.get('grpc-status-details-bin') ?? []
  return new GrpcError(error.code ?? STATUS.unknown, error.details ?? error.message, Buffer.isBuffer(details) ? details : undefined)
}
