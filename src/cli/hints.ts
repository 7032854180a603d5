// What to try next, for the failures that people meet most.
import { ApiError, Unreachable } from '../client/failure.ts'
import { Failure } from './failure.ts'

export interface Situation {
  readonly address: string
  readonly hasToken: boolean
}

/** Lines to print after an error; none where we know no better than the error says. */
export function hintsFor(error: unknown, situation: Situation): readonly string[] {
  if (error instanceof Failure && error.hints.length > 0) return error.hints
  const cause = error instanceof Failure ? (error.cause ?? error) : error
  if (cause instanceof Failure) return cause.hints
  if (cause instanceof ApiError) return refused(cause, situation)
  if (cause instanceof Unreachable) return unreachable(cause, situation)
  return []
}

function refused(error: ApiError, { address, hasToken }: Situation): readonly string[] {
  const told = error.errors.join(' ')
  if (error.status === 403) return denied(error, told, hasToken)
  if (error.status === 501) return ['the server is new: initialize it with "signet operator init"']
  if (error.status === 503 && told === 'namespace is sealed') return ['unseal it in the namespace above, with "signet namespace unseal"']
  if (error.status === 503 && /sealed/i.test(told))
    return ['unseal the server with "signet operator unseal"; a new one is first made with "signet operator init"']
  if (error.status === 400 && /HTTP request to an HTTPS server/i.test(told)) {
    return [`the server speaks TLS: set VAULT_ADDR=${address.replace(/^http:/, 'https:')}`]
  }
  return []
}

/** A login needs no token; a wrong token is refused without the words that stand before what policies deny. */
function denied({ url, explainId }: ApiError, told: string, hasToken: boolean): readonly string[] {
  const path = pathOf(url)
  if (/^auth\/.*\/?login(\/|$)/.test(path)) return []
  if (!hasToken) return ['there is no token: log in with "signet login", or set VAULT_TOKEN']
  if (told === 'permission denied') return ['the token may be wrong, expired or revoked: log in with "signet login", or set VAULT_TOKEN']
  // Commands look first at what is mounted, which is no matter of one rule.
  const mounted = path.replace(/^sys\/internal\/ui\/mounts\//, '')
  if (explainId !== undefined && mounted === path) return [`see why: signet policy explain -id=${explainId}`]
  return [`see what your token may do there: signet token capabilities ${mounted}`]
}

const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ISSUER/

function unreachable({ code, message }: Unreachable, { address }: Situation): readonly string[] {
  const plain = address.replace(/^https:/, 'http:')
  if (code === 'ECONNREFUSED') return [`is the server running? This asked ${address}; VAULT_ADDR or -address names another`, ...schemeHint(address)]
  if (code === 'EPROTO' || /wrong version number|packet length too long/i.test(message)) {
    return [`the server may not speak TLS: set VAULT_ADDR=${plain}`]
  }
  if (UNTRUSTED.test(code)) return ["name the server's certificate authority with -ca-cert or VAULT_CACERT"]
  if (code === 'ECONNRESET' && address.startsWith('http:')) return [`the server may speak TLS: set VAULT_ADDR=${address.replace(/^http:/, 'https:')}`]
  return code === 'ENOTFOUND' || code === 'ETIMEDOUT' ? ['check the address in VAULT_ADDR'] : []
}

function schemeHint(address: string): readonly string[] {
  return address === 'https://127.0.0.1:8200' ? ['a server started with "signet dev" is at VAULT_ADDR=http://127.0.0.1:8200'] : []
}

/** The API path in a URL. */
export function pathOf(url: string): string {
  const path = url.replace(/^.*?\/v1\//, '').replace(/\?.*$/, '')
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
