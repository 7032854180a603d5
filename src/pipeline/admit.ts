// Rate limits: whether a request is let in at all, settled before its body is parsed or its token is looked at.
import { Fault } from '../base/fault.ts'
import { isObject, parseJson } from '../base/json.ts'
import type { Received } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import type { Random } from '../base/ports.ts'
import type { Limit, Limiter, Taken } from '../quota/limiter.ts'
import type { Place, QuotaConfig, Quotas, RateRule } from '../quota/quotas.ts'
import type { Store } from '../store/store.ts'

export interface AdmitDeps {
  readonly quotas: Pick<Quotas, 'any' | 'config' | 'ruleFor' | 'hasRoles'>
  readonly limiter: Pick<Limiter, 'take'>
  /** The namespace and mount of a request. */
  readonly locate: (received: Pick<Received, 'namespace' | 'path'>) => Place
  readonly moduleOf: (mount: Mount) => Module | undefined
  readonly storeOf: (mount: Mount) => Store
  readonly random: Random
  /** Told of every refusal, with the name of the rule. */
  readonly exceeded: (rule: string) => void
}

export interface Admission {
  /** For the answer, whatever it will be. */
  readonly headers: Readonly<Record<string, string>> | undefined
  readonly refusal: Fault | undefined
  /** Whether a refusal goes on record. */
  readonly audited: boolean
}

export type Admit = (received: Received) => Admission | Promise<Admission>

const ADMITTED: Admission = { headers: undefined, refusal: undefined, audited: false }

export function openAdmit(deps: AdmitDeps): Admit {
  const { quotas, limiter, locate, exceeded } = deps

  function weigh(received: Received, rule: RateRule | undefined, config: QuotaConfig): Admission {
    if (!rule) return ADMITTED
    const limit = limitOf(rule)
    const taken = limiter.take(limit, received.peer.address)
    const headers = config.responseHeaders ? headersOf(limit, taken) : undefined
    if (taken.allowed) return { headers, refusal: undefined, audited: false }
    exceeded(rule.name)
    const refusal = new Fault('throttled', `request path ${JSON.stringify(received.path)}: rate limit quota exceeded`)
    return { headers, refusal, audited: config.auditLogging }
  }

  return (received) => {
    if (!quotas.any) return ADMITTED
    const config = quotas.config()
    const place = locate(received)
    if (isExempt(config, place)) return ADMITTED
    const { mount } = place
    if (!mount || !quotas.hasRoles(mount) || received.verb !== 'write') return weigh(received, quotas.ruleFor(place), config)
    return roleOf(deps, received, mount).then((role) => weigh(received, quotas.ruleFor(place, role), config))
  }
}

/** An exempt path also exempts what begins with it. */
function isExempt({ exemptPaths, absoluteExemptPaths }: QuotaConfig, { namespace, path }: Place): boolean {
  const full = namespace + path
  return exemptPaths.some((exempt) => path.startsWith(exempt)) || absoluteExemptPaths.some((exempt) => full.startsWith(exempt))
}

/** What can't be read as a login is nobody's; the line will say so in its turn. */
async function roleOf({ moduleOf, storeOf, random }: AdmitDeps, { body }: Received, mount: Mount): Promise<string | undefined> {
  const find = moduleOf(mount)?.roleOf
  if (!find) return undefined
  try {
    const data = parseJson(body)
    return isObject(data) ? await find({ store: storeOf(mount), random }, data) : undefined
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

function limitOf({ id, rate, interval, blockInterval }: RateRule): Limit {
  const requests = Math.min(Number.MAX_SAFE_INTEGER, Math.max(1, Math.round(rate)))
  return { id, requests, intervalMs: interval * 1000, blockMs: blockInterval * 1000 }
}

function headersOf({ requests }: Limit, { allowed, remaining, resetMs, retryMs }: Taken): Record<string, string> {
  return {
    'X-Ratelimit-Limit': String(requests),
    'X-Ratelimit-Remaining': String(remaining),
    'X-Ratelimit-Reset': seconds(resetMs),
    ...(allowed ? {} : { 'Retry-After': seconds(retryMs) }),
  }
}

/** Upwards: who waits that long is not refused again. */
function seconds(ms: number): string {
  return String(Math.ceil(ms / 1000))
}
