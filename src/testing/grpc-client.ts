// Calls of declared gRPC methods by a real client.
import type grpc from '@grpc/grpc-js'
import type { Message } from '../wire/protobuf.ts'

/** `method` is `package.Service/Method`. Rejects with grpc's ServiceError. */
export function callUnary<I, O>(client: grpc.Client, method: string, input: Message<I>, output: Message<O>, value: Partial<I>): Promise<O> {
  return new Promise((resolve, reject) => {
    const done = (error: grpc.ServiceError | null, answer?: O) => (error ? reject(error) : resolve(answer as O))
    client.makeUnaryRequest(
      `/${method}`,
      (one: Partial<I>) => input.encode(one),
      (bytes) => output.decode(bytes),
      value,
      done,
    )
  })
}

/** Sends messages one after another and hears all that comes back. */
export async function converse<I, O>(
  client: grpc.Client,
  method: string,
  input: Message<I>,
  output: Message<O>,
  values: readonly Partial<I>[],
): Promise<O[]> {
  const stream = client.makeBidiStreamRequest(
    `/${method}`,
    (one: Partial<I>) => input.encode(one),
    (bytes) => output.decode(bytes),
  )
  for (const value of values) stream.write(value)
  stream.end()
  const heard: O[] = []
  for await (const one of stream) heard.push(one as O)
  return heard
}
