// sshpop: the node owns the key of an OpenSSH host certificate by an authority that is trusted for that.
import { createHash } from 'node:crypto'
import { list, or, text, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isObject } from '../../base/json.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import {
  isSshSigned,
  parseSshCertificate,
  parseSshKey,
  parseSshKeyLine,
  parseSshSignature,
  type SshCertificate,
  type SshSignature,
} from '../../crypto/ssh.ts'
import { bytesOf, formatMessage, parseMessage, textOf } from '../go-json.ts'
import { bothNonces, newNonce } from '../nonces.ts'
import { parseTemplate, type PathTemplate, renderTemplate } from '../path-template.ts'

const TYPE = 'sshpop'

const settings = {
  cert_authorities: list('Public keys of the authorities whose host certificates are taken, as lines of a `.pub` file.'),
  canonical_domain: or(text('Domain that the names of hosts must be in, and that is cut off from them.'), ''),
  agent_path_template: or(text('Path of the agent, such as `/sshpop/{{ .Hostname }}`; by the fingerprint of its certificate otherwise.'), ''),
}

interface Config {
  readonly authorities: readonly Buffer[]
  readonly domain: string
  readonly template: PathTemplate
}

export const sshpop = nodeAttestor({
  type: TYPE,
  doc: 'Possession of the key of an OpenSSH host certificate.',
  settings,
  configure,
  parse: (payload) => bytesOf(parseMessage(payload, 'data')['Certificate'], 'Certificate'),
  async *verify(ctx, config, blob) {
    const certificate = parseSshCertificate(blob)
    checkCertificate(ctx, config, certificate)
    const hostname = hostnameOf(config, certificate)
    const nonce = newNonce(ctx.random)
    const answer = yield formatMessage({ Nonce: nonce.toString('base64') })
    checkAnswer(certificate, nonce, answer)
    const fingerprint = createHash('sha256').update(blob).digest('base64url')
    const values = { Fingerprint: fingerprint, Hostname: hostname, KeyId: certificate.keyId, ValidPrincipals: certificate.principals }
    return { path: renderTemplate(config.template, values, ctx.trustDomain), selectors: [], canReattest: true }
  },
})

const FIELDS = { Fingerprint: 'text', Hostname: 'text', KeyId: 'text', ValidPrincipals: 'list' } as const

function configure(given: Values<typeof settings>): Config {
  if (given.cert_authorities.length === 0) throw new Fault('invalid', 'cert_authorities is needed')
  return {
    authorities: given.cert_authorities.map(parseSshKeyLine),
    domain: given.canonical_domain,
    template: parseTemplate(given.agent_path_template || `/${TYPE}/{{ .Fingerprint }}`, TYPE, FIELDS),
  }
}

function checkCertificate({ clock }: AttestCtx, { authorities }: Config, certificate: SshCertificate): void {
  const { kind, principals, criticalOptions, authority, signed, signature, validAfter, validBefore } = certificate
  if (kind !== 'host') throw refused('it is no host certificate')
  if (principals.length === 0 || principals.includes('')) throw refused('cert has no valid principals')
  if (criticalOptions.length > 0) throw refused('it has a critical option that is not understood')
  if (!authorities.some((one) => one.equals(authority))) throw refused('no authority that is trusted signed it')
  if (!isSshSigned(parseSshKey(authority), signed, parseSshSignature(signature))) throw refused('its signature is wrong')
  const now = BigInt(Math.floor(clock.now() / 1000))
  if (now < validAfter) throw refused('cert is not yet valid')
  if (now >= validBefore) throw refused('cert has expired')
}

function hostnameOf({ domain }: Config, { principals: [host = ''] }: SshCertificate): string {
  if (domain === '') return host
  if (!host.endsWith(`.${domain}`)) throw refused(`cert principal is not in domain ".${domain}"`)
  return host.slice(0, -domain.length - 1)
}

/** What is signed is the hash of both nonces, and by SSH's rules that is hashed again. */
function checkAnswer({ key }: SshCertificate, nonce: Buffer, answer: Buffer): void {
  const { Nonce, Signature } = parseMessage(answer, 'challenge response')
  if (!isObject(Signature)) throw new Fault('denied', 'failed to verify signature: there is none')
  const signature: SshSignature = { format: textOf(Signature['Format'], 'Format'), blob: bytesOf(Signature['Blob'], 'Blob') }
  if (bytesOf(Signature['Rest'], 'Rest').length > 0) throw new Fault('denied', 'failed to verify signature: something follows it')
  const combined = createHash('sha256')
    .update(bothNonces(nonce, bytesOf(Nonce, 'Nonce')))
    .digest()
  if (!isSshSigned(key, combined, signature, true)) throw new Fault('denied', 'failed to verify signature')
}

function refused(why: string): Fault {
  return new Fault('denied', `failed to check host key: ${why}`)
}
