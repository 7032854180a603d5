// Certification paths (RFC 5280 §6) to authorities that somebody chose, for certificates that are no SVIDs; bounded before anything is computed.
import type { X509Certificate } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { isAcceptable, isKnownAlgorithm } from './signing-key.ts'
import { algorithmOf, checkTime, extensionsOf, openCertificate } from './x509-reading.ts'

export interface PathLimits {
  /** Certificates between the leaf and an authority. */
  readonly intermediates: number
  /** Bits of an RSA key. */
  readonly rsaBits: number
}

/** Far less than it takes to be a burden; each signature is checked once. */
export const PATH_LIMITS: PathLimits = { intermediates: 4, rsaBits: 8192 }

/** Certificates that all issued each other have more paths than anybody could walk. */
const MAX_STEPS = 100

export interface VerifiedLeaf {
  readonly leaf: X509Certificate
  /** Every certificate above the leaf that some path to an authority goes by. */
  readonly above: readonly X509Certificate[]
}

/** What was presented: DER, the leaf first, what lies between in any order. Throws `invalid` for what is too much. */
export function openPresented(chain: readonly Buffer[], limits: PathLimits = PATH_LIMITS): X509Certificate[] {
  if (chain.length === 0) throw new Fault('invalid', 'no certificate to attest')
  if (chain.length - 1 > limits.intermediates) throw new Fault('invalid', 'too many intermediate certificates')
  return chain.map((der) => {
    const certificate = openCertificate(der)
    const { publicKey } = certificate
    if (!isAcceptable(publicKey) || (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) > limits.rsaBits) {
      throw new Fault('invalid', 'a certificate has a key of a kind or size that is not accepted')
    }
    return certificate
  })
}

/** Throws `denied` where no path leads from the first of `presented` to one of `authorities`, all of it valid at `now` (milliseconds). */
export function verifyPath(presented: readonly X509Certificate[], authorities: readonly X509Certificate[], now: number): VerifiedLeaf {
  const [leaf, ...between] = presented
  if (!leaf) throw new Fault('denied', 'certificate verification failed: there is none')
  try {
    extensionsOf(leaf)
    checkTime(leaf, now)
  } catch (error) {
    throw error instanceof Fault ? new Fault('denied', `certificate verification failed: ${error.message}`) : error
  }
  const listed = authorities.some(({ raw }) => raw.equals(leaf.raw))
  const above = new Set<X509Certificate>()
  let steps = 0
  const isIssued = once((below: X509Certificate, issuer: X509Certificate) => isIssuedBy(below, issuer))

  /** Whether a path leads on from its last certificate; those that do are noted. */
  function climb(path: readonly X509Certificate[]): boolean {
    if (++steps > MAX_STEPS) throw new Fault('denied', 'certificate verification failed: the certificates issued each other in too many ways')
    const last = path.at(-1) as X509Certificate
    let found = false
    for (const anchor of authorities) {
      if (!mayIssue(anchor, path.length - 1, now) || !isIssued(last, anchor)) continue
      above.add(anchor)
      found = true
    }
    for (const next of between) {
      if (path.includes(next) || !mayIssue(next, path.length - 1, now) || !isIssued(last, next) || !climb([...path, next])) continue
      above.add(next)
      found = true
    }
    return found
  }

  if (!climb([leaf]) && !listed) throw new Fault('denied', 'certificate verification failed: certificate signed by unknown authority')
  return { leaf, above: [...above] }
}

/** `below` counts the authorities between this one and the leaf. */
function mayIssue(issuer: X509Certificate, below: number, now: number): boolean {
  try {
    checkTime(issuer, now)
    const { authority, usage, pathLength, constrained } = extensionsOf(issuer)
    return (
      isAcceptable(issuer.publicKey) &&
      authority &&
      !constrained &&
      (usage === undefined || usage.certSign) &&
      (pathLength === undefined || below <= pathLength)
    )
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return isKnownAlgorithm(algorithmOf(certificate)) && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** Remembers the answers. */
function once<A extends object, B extends object>(ask: (a: A, b: B) => boolean): (a: A, b: B) => boolean {
  const known = new Map<A, Map<B, boolean>>()
  return (a, b) => {
    const answers = known.get(a) ?? new Map<B, boolean>()
    known.set(a, answers)
    const answer = answers.get(b) ?? ask(a, b)
    answers.set(b, answer)
    return answer
  }
}
