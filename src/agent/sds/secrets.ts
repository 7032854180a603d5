// The secrets that a proxy can ask for by name: its certificates, and what it checks those of others by.
import { pem, toPem } from '../../crypto/certificate.ts'
import { exportSigningKey } from '../../crypto/signing-key.ts'
import { spiffeId } from '../../crypto/spiffe-id.ts'
import { GrpcError, STATUS } from '../../wire/grpc.ts'
import type { Of } from '../../wire/protobuf.ts'
import type { Agent } from '../agent.ts'
import type { AgentEntry } from '../entry.ts'
import type { Trust } from '../trust.ts'
import { federatedFor, type Held, ownTrust, svidsFor } from '../workload/holdings.ts'
import * as wire from './messages.ts'

export interface SdsNames {
  /** The first X509-SVID. */
  readonly svid: string
  /** The bundle of the own trust domain. */
  readonly bundle: string
  /** Every bundle. */
  readonly allBundles: string
}

export interface SecretsOptions {
  readonly names: SdsNames
  /** Certificates of the system's own authorities, in PEM; undefined where there are none. */
  readonly systemRoots: () => Buffer | undefined
}

/** Istio's proxies ask by this name for what they check outside servers by. */
const SYSTEM_ROOTS = 'file-root:system'

export interface NamedSecret {
  readonly name: string
  /** A Secret. */
  readonly bytes: Buffer
}

/**
 * Those that are asked for, or all where none is named; a name that is unknown has none. `plain` is for proxies that do not know
 * SPIFFE's way of checking.
 */
export async function secretsFor(
  agent: Agent,
  entries: readonly AgentEntry[],
  asked: readonly string[],
  { names, systemRoots, plain }: SecretsOptions & { readonly plain: boolean },
): Promise<NamedSecret[]> {
  const own = ownTrust(agent)
  const trusts = [own, ...federatedFor(agent, entries)]
  const bundles = new Map<string, () => Secret>(trusts.map((trust) => [spiffeId(trust.bundle.trustDomain), () => validation([trust], plain)]))
  const known = new Map<string, () => Secret>([
    ...bundles,
    [names.bundle, () => validation([own], plain)],
    [names.allBundles, () => validation(trusts, plain)],
    ...systemSecret(systemRoots),
  ])
  const forCertificates = asked.filter((name) => !known.has(name))
  if (asked.length === 0 || forCertificates.length > 0) {
    const held = await svidsFor(agent, entries)
    for (const one of held) known.set(one.svid.id, () => certificate(one))
    known.set(names.svid, () => certificate(held[0] as Held))
    if (asked.length === 0) return [...bundles.keys(), ...held.map(({ svid }) => svid.id)].map((name) => named(name, known))
  }
  return asked.filter((name) => known.has(name)).map((name) => named(name, known))
}

type Secret = Partial<Of<typeof wire.Secret>>

function named(name: string, known: ReadonlyMap<string, () => Secret>): NamedSecret {
  return { name, bytes: wire.Secret.encode({ ...known.get(name)?.(), name }) }
}

function certificate({ svid }: Held): Secret {
  const key = exportSigningKey(svid.key)
  return {
    tlsCertificate: {
      certificateChain: { inlineBytes: Buffer.from(toPem(svid.chain)) },
      privateKey: { inlineBytes: Buffer.from(pem('PRIVATE KEY', key)) },
    },
  }
}

/** Each trust domain by its own authorities; a flat list could be had for one only, since in it any authority vouches for any name. */
function validation(trusts: readonly Trust[], plain: boolean): Secret {
  const [first, ...more] = trusts
  if (!plain) {
    const domains = trusts.map((trust) => ({
      name: trust.bundle.trustDomain,
      trustBundle: { inlineBytes: Buffer.concat([rootsOf(trust), listsOf(trust)]) },
    }))
    const value = wire.SpiffeValidator.encode({ trustDomains: domains.sort((a, b) => (a.name < b.name ? -1 : 1)) })
    return { validationContext: { customValidatorConfig: { name: wire.VALIDATOR, typedConfig: { typeUrl: wire.VALIDATOR_TYPE, value } } } }
  }
  if (more.length > 0) throw new GrpcError(STATUS.precondition, 'bundles of several trust domains need a proxy with the SPIFFE certificate validator')
  if (!first) return {}
  const lists = listsOf(first)
  return { validationContext: { trustedCa: { inlineBytes: rootsOf(first) }, ...(lists.length > 0 ? { crl: { inlineBytes: lists } } : {}) } }
}

const rootsOf = ({ bundle }: Trust): Buffer => Buffer.from(toPem(bundle.x509Authorities))

/** All or none: with one list at hand, a proxy refuses who rests on an authority that it has none of. SPIFFE's way of checking takes them with the roots. */
function listsOf({ lists }: Trust): Buffer {
  return Buffer.from(lists.complete ? lists.crls.map((der) => pem('X509 CRL', der)).join('') : '')
}

function systemSecret(roots: () => Buffer | undefined): [string, () => Secret][] {
  const found = roots()
  return found ? [[SYSTEM_ROOTS, () => ({ validationContext: { trustedCa: { inlineBytes: found } } })]] : []
}
