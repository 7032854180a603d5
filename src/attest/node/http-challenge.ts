// http_challenge: the node answers under a name, at a port, with what it was just told; the name is resolved by this server.
import { timingSafeEqual } from 'node:crypto'
import { cidrContains, parseCidr } from '../../base/cidr.ts'
import { bool, int, list, maybe, or, type Values } from '../../base/fields.ts'
import { Fault } from '../../base/fault.ts'
import { isRawNumber } from '../../base/json.ts'
import { isSpecialAddress } from '../../base/special-addresses.ts'
import { type AttestCtx, nodeAttestor } from '../../contract/attestor.ts'
import { formatMessage, parseMessage, textOf } from '../go-json.ts'
import { newNonce } from '../nonces.ts'

const TYPE = 'http_challenge'

const settings = {
  allowed_dns_patterns: or(list('Regular expressions, one of which the whole host name must match; any name otherwise.'), []),
  required_port: maybe(int('The one port that nodes may answer at.')),
  allow_non_root_ports: or(bool('Whether nodes may answer at ports from 1024 on, which need no privilege.'), true),
  tofu: or(bool('Trust a name on first use only; may be off where only ports below 1024 are taken.'), true),
  allowed_addresses: or(list('Addresses and networks that may be asked though they are loopback, link-local or reserved.'), []),
}

interface Config {
  readonly patterns: readonly RegExp[]
  readonly port: number | undefined
  readonly allowsHighPorts: boolean
  readonly tofu: boolean
  readonly exceptions: readonly string[]
}

interface Claim {
  readonly host: string
  readonly agent: string
  readonly port: number
}

/** The first port that needs no privilege. */
const HIGH_PORT = 1024
const TIMEOUT_MS = 10_000
const MAX_ANSWER_BYTES = 64
const MAX_NAME_BYTES = 253

export const httpChallenge = nodeAttestor({
  type: TYPE,
  doc: 'Answering by HTTP under a name.',
  settings,
  configure,
  parse,
  async *verify(ctx, config, claim) {
    checkClaim(config, claim)
    const nonce = `${newNonce(ctx.random).toString('base64url')}=`
    yield formatMessage({ nonce })
    await checkAnswer(ctx, config, claim, nonce)
    return { path: claim.host, selectors: [`hostname:${claim.host}`], canReattest: !config.tofu }
  },
})

function configure(given: Values<typeof settings>): Config {
  const { required_port: port, tofu, allow_non_root_ports: allowsHighPorts } = given
  if (port !== undefined && (port < 1 || port > 65_535)) throw new Fault('invalid', 'required_port must be from 1 to 65535')
  const anyCanAnswer = port === undefined ? allowsHighPorts : port >= HIGH_PORT
  if (!tofu && anyCanAnswer) throw new Fault('invalid', 'you can not turn off trust on first use (TOFU) when non-root ports are allowed')
  given.allowed_addresses.forEach(parseCidr)
  return { patterns: given.allowed_dns_patterns.map(toPattern), port, allowsHighPorts, tofu, exceptions: given.allowed_addresses }
}

/** For the whole name: a pattern that matched a part would let in whatever has that part. */
function toPattern(source: string): RegExp {
  try {
    return new RegExp(`^(?:${source})$`, 'u')
  } catch {
    throw new Fault('invalid', `cannot compile allowed_dns_pattern: ${JSON.stringify(source)}`)
  }
}

function parse(payload: Buffer): Claim {
  const { hostname, agentname, port } = parseMessage(payload, 'data')
  const number = isRawNumber(port) ? Number(port.rawJSON) : port
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 1 || number > 65_535) throw new Fault('invalid', 'port is invalid')
  return { host: textOf(hostname, 'hostname'), agent: textOf(agentname, 'agentname'), port: number }
}

const AGENT_NAME = /^[a-zA-Z][a-zA-Z0-9-]{0,31}$/
/** In one spelling: lower case, no dot at the end, so that one host has one agent ID. */
const HOST_NAME = /^(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*$/

function checkClaim({ port, allowsHighPorts, patterns }: Config, claim: Claim): void {
  if (port !== undefined && claim.port !== port) throw new Fault('invalid', `port ${claim.port} is not allowed to be used by this server`)
  if (!allowsHighPorts && claim.port >= HIGH_PORT) throw new Fault('invalid', `port ${claim.port} is not allowed to be >= ${HIGH_PORT}`)
  if (!AGENT_NAME.test(claim.agent)) throw new Fault('invalid', 'agent name is not valid')
  if (claim.host === 'localhost') throw new Fault('denied', 'you can not use localhost as a hostname')
  if (!isHostName(claim.host)) throw new Fault('invalid', 'hostname is not valid: it is a DNS name in lower case, or an IPv4 address')
  if (patterns.length > 0 && !patterns.some((one) => one.test(claim.host))) {
    throw new Fault('denied', 'the requested hostname is not allowed to connect')
  }
}

/** Numbers that systems read as addresses in many spellings (`127.1`, `0x7f.0.0.1`) are taken in the usual one alone. */
function isHostName(host: string): boolean {
  return host.length <= MAX_NAME_BYTES && HOST_NAME.test(host) && URL.parse(`http://${host}/`)?.hostname === host
}

async function checkAnswer({ outbound }: AttestCtx, { exceptions }: Config, { host, agent, port }: Claim, nonce: string): Promise<void> {
  const mayReach = (address: string) => !isSpecialAddress(address) || cidrContains(exceptions, address)
  const url = `http://${host}:${port}/.well-known/spiffe/nodeattestor/${TYPE}/${agent}/challenge`
  const request = { method: 'GET', url, timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, mayReach } as const
  const answer = await outbound(request).catch((): undefined => undefined)
  // Nothing of the answer, nor of why there was none, is for the node: it could look around here by it.
  const said = Buffer.from(answer?.status === 200 ? answer.body.toString('latin1').trim() : '')
  const expected = Buffer.from(nonce)
  if (said.length !== expected.length || !timingSafeEqual(said, expected)) {
    throw new Fault('denied', 'challenge verification failed: expected nonce was not found in HTTP response')
  }
}
