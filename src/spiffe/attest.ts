// Node attestation: which node this is, by evidence that cannot be used by another, over as many messages as that takes.
import { Fault } from '../base/fault.ts'
import type { Ctx } from '../contract/module.ts'
import type { Attestation } from '../contract/attestor.ts'
import { publicKeyOfCsr } from '../crypto/csr.ts'
import { type SpiffeId, spiffeId } from '../crypto/spiffe-id.ts'
import type { Spiffe } from './rooms.ts'
import { checkSelector, normalSelectors, type Selector } from './selectors.ts'

export interface Evidence {
  readonly attestor: string
  readonly payload: Buffer
  /** A signing request in DER. */
  readonly csr: Buffer
}

/** A node that proved which one it is. */
export interface Proven {
  readonly id: SpiffeId
  readonly type: string
  readonly selectors: readonly Selector[]
  readonly canReattest: boolean
  /** SubjectPublicKeyInfo in DER, of the key that its SVID will be for. */
  readonly publicKey: Buffer
}

export type Step = { readonly challenge: Buffer } | { readonly proven: Proven }

/** One attestation that waits for the node's answer. */
interface Waiting {
  readonly type: string
  readonly attestation: Attestation
  readonly publicKey: Buffer
  readonly rounds: number
  /** Monotonic milliseconds. */
  readonly until: number
}

const MAX_MESSAGE_BYTES = 65_536
const MAX_ROUNDS = 4
const MAX_SELECTORS = 1_000
/** What an attestation may take from its first message to its last. */
export const ATTESTATION_MS = 60_000

/** By the stream that they go on in, and that they end with. */
const waiting = new WeakMap<object, Waiting>()

/** Throws `invalid` or `denied` where the evidence is none, `throttled` where too much comes from one address. */
export async function beginAttestation(rooms: Spiffe, ctx: Ctx, { attestor: type, payload, csr }: Evidence): Promise<Step> {
  const { address } = ctx.request.peer
  if (!rooms.admitsAttestation(address)) throw new Fault('throttled', 'too many attestations from this address; try again in a few seconds')
  const publicKey = publicKeyOfCsr(csr)
  checkSize(payload)
  const { attestor, settings } = rooms.attestors.offered(type)
  const { trustDomain } = rooms.settings.need()
  const authorities = rooms.authorities.bundle().x509Authorities
  const { clock, random } = ctx
  const facts = { clock, random, address, trustDomain, authorities, isRevoked: rooms.revocations.has }
  const attestation = attestor.attest({ ...rooms.attestPorts, ...facts }, settings, payload)
  const until = clock.monotonic() + ATTESTATION_MS
  return proceed(rooms, ctx, { type, attestation, publicKey, rounds: 0, until }, await attestation.next())
}

/** The node's answer to the last challenge of its stream. */
export async function continueAttestation(rooms: Spiffe, ctx: Ctx, answer: Buffer): Promise<Step> {
  const { stream } = ctx.request
  const found = stream && waiting.get(stream)
  if (!stream || !found) throw new Fault('invalid', 'there is no challenge to respond to')
  waiting.delete(stream) // whatever comes of it, a challenge is answered once
  if (found.until <= ctx.clock.monotonic()) throw new Fault('denied', 'the attestation took too long')
  checkSize(answer)
  return proceed(rooms, ctx, found, await found.attestation.next(answer))
}

function checkSize(message: Buffer): void {
  if (message.length > MAX_MESSAGE_BYTES) throw new Fault('invalid', `attestation data has at most ${MAX_MESSAGE_BYTES} bytes`)
}

async function proceed(rooms: Spiffe, ctx: Ctx, now: Waiting, result: Awaited<ReturnType<Attestation['next']>>): Promise<Step> {
  if (!result.done) {
    const { stream } = ctx.request
    if (!stream) throw new Fault('invalid', `attestor "${now.type}" asks back, which takes the gRPC API`)
    if (now.rounds === MAX_ROUNDS) throw new Fault('denied', 'the attestation took too many rounds')
    waiting.set(stream, { ...now, rounds: now.rounds + 1 })
    return { challenge: result.value }
  }
  const { path, selectors, canReattest } = result.value
  return {
    proven: { id: agentId(rooms, now.type, path), type: now.type, selectors: typed(now.type, selectors), canReattest, publicKey: now.publicKey },
  }
}

/** Below the attestor's own part of the IDs, whatever the path says, since no segment of an ID leads upwards. */
function agentId({ settings }: Spiffe, type: string, path: string): SpiffeId {
  try {
    return spiffeId(settings.need().trustDomain, `/spire/agent/${type}/${path}`)
  } catch (error) {
    if (error instanceof Fault) throw new Fault('denied', `"${path}" makes no agent ID: ${error.message}`)
    throw error
  }
}

/** What no entry could ask for is no selector. */
function typed(type: string, values: readonly string[]): Selector[] {
  const selectors = normalSelectors(values.map((value) => ({ type, value })))
  if (selectors.length > MAX_SELECTORS) throw new Fault('denied', `a node has at most ${MAX_SELECTORS} selectors`)
  for (const one of selectors) checkSelector(one)
  return selectors
}
