// Checks of the configuration: TLS, lifetimes, secrets in the clear, where it comes from.
import type { Effect } from '../config/stanza.ts'
import { type Check, type Facts, fail, ok, unknown, type Verdict, warn } from './facts.ts'

/** Seconds: 32 days, which is also what a server has where nothing is said. */
const LONGEST_TTL = 2_764_800
const SOON_DAYS = 14
const STRONG_BITS = 2_048

export const configChecks: Readonly<Record<string, Check>> = {
  'the configuration is right, and in one place': ({ configProblem, sources }) => {
    if (configProblem !== undefined) return fail(configProblem, 'signet config check says the same after each change')
    return sources.length > 1 ? warn(`it is gathered from ${sources.length} files`, 'one file is easier to know') : ok(sources.join(', '))
  },

  'every listener speaks TLS': withConfig(({ listeners }) => {
    const plain = listeners.filter(({ tls }) => !tls).map(({ address }) => address)
    return plain.length > 0 ? fail(`in the clear: ${plain.join(', ')}`, 'set tls_cert_file and tls_key_file') : ok(`${listeners.length} do`)
  }),

  'certificates are valid for two weeks and more': ({ certificates }) => {
    const [first] = [...certificates].sort((one, other) => one.daysLeft - other.daysLeft)
    if (!first) return unknown('no listener has one that can be read')
    if (first.daysLeft < 0) return fail(`${first.path} has ended`, 'renew it, and send SIGHUP')
    return first.daysLeft < SOON_DAYS
      ? warn(`${first.path} ends in ${first.daysLeft} days`, 'renew it, and send SIGHUP')
      : ok(`${first.daysLeft} days`)
  },

  'certificates have strong keys': ({ certificates }) => {
    if (certificates.length === 0) return unknown('no listener has one that can be read')
    const weak = certificates.filter(({ rsaBits = STRONG_BITS }) => rsaBits < STRONG_BITS)
    return weak.length > 0
      ? fail(`RSA of less than ${STRONG_BITS} bits: ${weak.map(({ path }) => path).join(', ')}`, 'use P-256, Ed25519 or a longer key')
      : ok('they have')
  },

  'browsers are told to insist on TLS': withConfig(({ effect }) => {
    const off = effect.within.filter((one) => one.name === 'listener' && weakens(one.values['custom_response_headers']))
    return off.length > 0
      ? fail('Strict-Transport-Security is overridden', 'leave it out of custom_response_headers')
      : ok('Strict-Transport-Security is sent over TLS')
  }),

  'no secret stands in the configuration': withConfig(({ effect }) => {
    const named = secretsOf(effect)
    return named.length > 0 ? fail(`in the clear: ${named.join(', ')}`, 'refer to a file or to the environment instead') : ok('none does')
  }),

  'tokens do not live too long': withConfig(({ maxLeaseTtl, defaultLeaseTtl }) =>
    maxLeaseTtl > LONGEST_TTL || defaultLeaseTtl > LONGEST_TTL
      ? fail(`max_lease_ttl is ${maxLeaseTtl} s`, `at most ${LONGEST_TTL} s (32 days) is the system's own bound`)
      : ok(`${defaultLeaseTtl} s where nothing is said, ${maxLeaseTtl} s at most`),
  ),
}

function withConfig(check: (config: NonNullable<Facts['config']>) => Verdict): Check {
  return ({ config }) => (config ? check(config) : unknown('the configuration is wrong'))
}

function weakens(headers: unknown): boolean {
  return /strict-transport-security/i.test(JSON.stringify(headers ?? {}))
}

function secretsOf({ name, labels, values, within }: Effect): string[] {
  const own = Object.keys(values).filter((key) => values[key] === '(hidden)')
  return [...own.map((key) => [name, ...labels, key].filter(Boolean).join(' ')), ...within.flatMap(secretsOf)]
}
