// A node that attests over the gRPC API, one message after another, as SPIRE's agent does.
import grpc from '@grpc/grpc-js'
import { toPem } from '../crypto/certificate.ts'
import * as wire from '../edge/spire/messages.ts'
import type { Of } from '../wire/protobuf.ts'
import { testCsr } from './certificates.ts'

export interface NodeEvidence {
  readonly type: string
  readonly payload: Buffer
  readonly csr?: Buffer
  /** What to say to a challenge; '' where nothing is said, and the stream left open. */
  readonly answer?: (challenge: Buffer) => Buffer | undefined
}

export interface AttestingNode {
  /** A whole attestation; the path is that of the agent's SPIFFE ID. Throws the gRPC error that ends it. */
  attest(evidence: NodeEvidence): Promise<{ readonly path: string; readonly reattestable: boolean }>
  /** A stream to say anything in. */
  open(): grpc.ClientDuplexStream<Partial<Of<typeof wire.AttestAgentRequest>>, Of<typeof wire.AttestAgentResponse>>
  close(): void
}

/** Doesn't look at the server's name, as there is nothing here to be misled by. */
export function attestingNode(port: number, authorities: readonly Buffer[]): AttestingNode {
  const credentials = grpc.credentials.createSsl(Buffer.from(toPem(authorities)), null, null, { checkServerIdentity: () => undefined })
  const client = new grpc.Client(`127.0.0.1:${port}`, credentials)
  const open: AttestingNode['open'] = () =>
    client.makeBidiStreamRequest(
      '/spire.api.server.agent.v1.Agent/AttestAgent',
      (one: Partial<Of<typeof wire.AttestAgentRequest>>) => wire.AttestAgentRequest.encode(one),
      (bytes) => wire.AttestAgentResponse.decode(bytes),
    )
  return {
    open,
    async attest({ type, payload, csr = testCsr(), answer }) {
      const stream = open()
      stream.write({ params: { data: { type, payload }, params: { csr } } })
      for await (const { challenge, result } of stream as AsyncIterable<Of<typeof wire.AttestAgentResponse>>) {
        if (result) return { path: result.svid?.id?.path ?? '', reattestable: result.reattestable === true }
        const said = answer?.(challenge)
        if (said) stream.write({ challengeResponse: said })
      }
      throw new Error('the stream ended without a result')
    },
    close: () => client.close(),
  }
}
