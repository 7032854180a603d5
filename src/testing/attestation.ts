// Runs one attestor as the frame does, without the frame.
import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../base/json.ts'
import type { AttestCtx, Attested, NodeAttestor } from '../contract/attestor.ts'
import { NOTHING_REVOKED } from '../crypto/x509-svid.ts'
import { parseTrustDomain } from '../crypto/spiffe-id.ts'
import { settableClock } from './clock.ts'

export interface Attempt {
  readonly settings: JsonObject
  readonly payload: JsonObject | Buffer
  /** What the node answers to each challenge, parsed where it is JSON; none is expected unless it is given. */
  readonly answer?: (challenge: any) => JsonObject | Buffer | Promise<JsonObject | Buffer>
  readonly ctx?: Partial<AttestCtx>
}

/** Throws what the attestor throws. */
export async function attestBy(attestor: NodeAttestor, { settings, payload, answer, ctx = {} }: Attempt): Promise<Attested> {
  const attestation = attestor.attest({ ...CTX, ...ctx }, settings, bytes(payload))
  let step = await attestation.next()
  while (!step.done) {
    if (!answer) throw new Error('a challenge came that nobody expected')
    step = await attestation.next(bytes(await answer(said(step.value))))
  }
  return step.value
}

/** Both sides of one attestation: the agent's, and the server's. */
export async function attestNode(
  attestor: NodeAttestor,
  node: { payload(): Promise<Buffer>; answer(challenge: Buffer): Promise<Buffer>; end?(): void | Promise<void> },
  settings: JsonObject,
  ctx: Partial<AttestCtx> = {},
): Promise<Attested> {
  try {
    const attestation = attestor.attest({ ...CTX, ...ctx }, settings, await node.payload())
    let step = await attestation.next()
    while (!step.done) step = await attestation.next(await node.answer(step.value))
    return step.value
  } finally {
    await node.end?.()
  }
}

const bytes = (message: JsonObject | Buffer): Buffer => (Buffer.isBuffer(message) ? message : Buffer.from(JSON.stringify(message)))

function said(challenge: Buffer): unknown {
  const text = challenge.toString()
  return text.startsWith('{') ? JSON.parse(text) : text
}

const CTX: AttestCtx = {
  clock: settableClock(),
  random: { bytes: randomBytes },
  outbound: () => Promise.reject(new Error('there is no way out')),
  serviceAccount: () => undefined,
  openAws: () => Promise.reject(new Error('there is no way out')),
  address: '192.0.2.7',
  trustDomain: parseTrustDomain('example.org'),
  authorities: [],
  isRevoked: NOTHING_REVOKED,
}
