// An agent of any server of the SPIRE server API: attests once with a join token, and then asks over as many connections as it is told to.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import grpc from '@grpc/grpc-js'
import { toPem } from '../src/crypto/certificate.ts'
import * as wire from '../src/edge/spire/messages.ts'
import type { Message } from '../src/wire/protobuf.ts'

/** A server of the SPIRE server API. */
export interface SpireTarget {
  readonly name: string
  /** `host:port` of the agents' listener. */
  readonly address: string
  readonly joinToken: string
  /** The trust bundle, in PEM. */
  readonly bundle: Buffer
  readonly pid?: number
}

export interface Svid {
  readonly chain: Buffer
  readonly key: Buffer
}

/** A key of P-256 and a signing request for it, in DER. */
export function newRequest(): { readonly key: Buffer; readonly csr: Buffer } {
  const folder = mkdtempSync(join(tmpdir(), 'bench-csr-'))
  try {
    const key = join(folder, 'key.pem')
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const csr = execFileSync('openssl', ['req', '-new', ...kind, '-keyout', key, '-subj', '/CN=bench', '-outform', 'DER'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return { key: readFileSync(key), csr }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export async function attest(target: SpireTarget): Promise<Svid> {
  const { key, csr } = newRequest()
  const connection = new SpireConnection(target)
  try {
    const payload = Buffer.from(target.joinToken)
    const [answer] = await connection.converse('agent.v1.Agent/AttestAgent', wire.AttestAgentRequest, wire.AttestAgentResponse, [
      { params: { data: { type: 'join_token', payload }, params: { csr } } },
    ])
    return { key, chain: Buffer.from(toPem(answer?.result?.svid?.certChain ?? [])) }
  } finally {
    connection.close()
  }
}

/** One connection of its own; the server is checked by the bundle alone. */
export class SpireConnection {
  readonly #client: grpc.Client

  constructor({ address, bundle }: SpireTarget, svid?: Svid) {
    const credentials = grpc.credentials.createSsl(bundle, svid?.key ?? null, svid?.chain ?? null, { checkServerIdentity: () => undefined })
    this.#client = new grpc.Client(address, credentials, { 'grpc.use_local_subchannel_pool': 1 })
  }

  call<I, O>(method: string, input: Message<I>, output: Message<O>, value: Partial<I>): Promise<O> {
    return new Promise((resolve, reject) => {
      const done = (error: grpc.ServiceError | null, answer?: O): void => (error ? reject(error) : resolve(answer as O))
      this.#client.makeUnaryRequest(`/spire.api.server.${method}`, toWire(input), (bytes) => output.decode(bytes), value, done)
    })
  }

  /** Sends what is given, and hears everything that comes back. */
  async converse<I, O>(method: string, input: Message<I>, output: Message<O>, values: readonly Partial<I>[]): Promise<O[]> {
    const path = `/spire.api.server.${method}`
    const stream = this.#client.makeBidiStreamRequest(path, toWire(input), (bytes) => output.decode(bytes))
    for (const value of values) stream.write(value)
    stream.end()
    const heard: O[] = []
    for await (const one of stream) heard.push(one as O)
    return heard
  }

  close(): void {
    this.#client.close()
  }
}

function toWire<I>(input: Message<I>): (value: Partial<I>) => Buffer {
  return (value) => input.encode(value)
}
