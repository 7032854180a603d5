// The node attestor contract: how machines of one kind prove which one they are, declared as data plus one function.
import { parseShape, type Shape, type Values } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import type { Outbound } from '../base/outbound.ts'
import type { Clock, Random } from '../base/ports.ts'
import type { TrustDomain } from '../crypto/spiffe-id.ts'
import type { IsRevoked } from '../crypto/x509-svid.ts'
import type { OpenAws } from './aws.ts'

/** What was proven: made from verified bytes and from nothing else that the node said. */
export interface Attested {
  /** The agent's SPIFFE ID below `/spire/agent/<type>/`: segments as an ID has them. What is none is refused, never repaired. */
  readonly path: string
  /** Values of selectors; their type is the attestor's. */
  readonly selectors: readonly string[]
  /** The node renews by attesting again. Otherwise it is trusted on first use: once, until it is evicted. */
  readonly canReattest: boolean
}

/** One attestation: each challenge that it yields goes to the node, and what the node answers comes back. Throws a Fault to refuse. */
export type Attestation = AsyncGenerator<Buffer, Attested, Buffer>

/** How a server that runs in a pod asks its own cluster. */
export interface ServiceAccount {
  /** URL of the cluster's API. */
  readonly address: string
  readonly token: string
  /** PEM of the authorities to trust it by. */
  readonly ca: string
}

/** Ways to ask others about a node. */
export interface AttestPorts {
  readonly outbound: Outbound
  /** As it is now, since the token changes every hour; undefined outside of Kubernetes. */
  readonly serviceAccount: () => ServiceAccount | undefined
  readonly openAws: OpenAws
}

/** What an attestation may use. */
export interface AttestCtx extends AttestPorts {
  readonly clock: Clock
  readonly random: Random
  /** Where the node's connection comes from. */
  readonly address: string
  readonly trustDomain: TrustDomain
  /** The X.509 authorities of the trust domain itself, in DER. */
  readonly authorities: readonly Buffer[]
  /** Of certificates of the trust domain itself. */
  readonly isRevoked: IsRevoked
}

export interface NodeAttestor {
  /** As agents name it: `x509pop`. */
  readonly type: string
  readonly doc: string
  /** What it has to be told before it is offered; nothing for one that always is. */
  readonly settings: Shape
  /** Throws `invalid` for settings that can't work together. `raw` as the shape made it, or as it was stored. */
  check(raw: JsonObject): void
  /** Settings as they may be read: without secrets. */
  show(raw: JsonObject): JsonObject
  attest(ctx: AttestCtx, raw: JsonObject, payload: Buffer): Attestation
}

export interface NodeAttestorSpec<S extends Shape, C, P> {
  readonly type: string
  readonly doc: string
  readonly settings: S
  /** The settings as the verifier wants them. Throws `invalid` for what can't work. */
  readonly configure: (settings: Values<S>) => C
  /** The node's first message. Throws `invalid` for what is none. */
  readonly parse: (payload: Buffer) => P
  /** For settings with secrets inside of what is no secret; fields that are secret themselves are never shown. */
  readonly show?: (raw: JsonObject) => JsonObject
  readonly verify: (ctx: AttestCtx, config: C, payload: P) => Attestation | Promise<Attested>
}

/**
 * Declares an attestor.
 * @example nodeAttestor({ type: 'x509pop', doc: '…', settings: { ca_bundle: text('…') }, configure, parse, verify })
 */
export function nodeAttestor<S extends Shape, C, P>(spec: NodeAttestorSpec<S, C, P>): NodeAttestor {
  const { type, doc, settings } = spec
  const configured = (raw: JsonObject) => spec.configure(parseShape(settings, raw))
  return {
    type,
    doc,
    settings,
    check: (raw) => void configured(raw),
    show: (raw) => visible(settings, spec.show?.(raw) ?? raw),
    attest: (ctx, raw, payload) => steps(() => spec.verify(ctx, configured(raw), spec.parse(payload))),
  }
}

function visible(shape: Shape, raw: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(raw).filter(([name]) => shape[name]?.secret === false))
}

async function* steps(begin: () => Attestation | Promise<Attested>): Attestation {
  const begun = begin()
  return begun instanceof Promise ? begun : yield* begun
}
