// The seals that a configuration asks for: `seal "<kind>" { … }`, any number of them.
import { readFileSync } from 'node:fs'
import { bool, int, maybe, or, parseShape, type Shape, text, type Values } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Random } from '../base/ports.ts'
import { Failure } from '../cli/failure.ts'
import { awskmsEnv, awskmsSeal, awskmsShape } from '../seal/kinds/awskms.ts'
import { pkcs11Env, pkcs11Seal, pkcs11Shape } from '../seal/kinds/pkcs11.ts'
import { type ReferencePorts, resolveTexts } from '../seal/kinds/reference.ts'
import { staticSeal, staticShape } from '../seal/kinds/static.ts'
import { transitEnv, transitSeal, transitShape } from '../seal/kinds/transit.ts'
import { SealSet } from '../seal/seal-set.ts'
import type { Seal, Wrapper } from '../seal/wrapper.ts'
import { openAwsKms } from './aws-kms.ts'
import { sendRequest } from './cli-request.ts'

/** One stanza as it was written; what it says is settled where the seals are opened. */
export interface SealStanza {
  readonly kind: string
  /** File, line and column. */
  readonly place: string
  readonly given: JsonObject
}

export interface SealPorts {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly random: Random
  readonly clock: Clock
  readonly log: Log
}

interface Kind {
  readonly shape: Shape
  /** Environment variables, by the parameters that they stand in for where a stanza doesn't give them. */
  readonly env: Readonly<Record<string, readonly string[]>>
  open(raw: JsonObject, ports: SealPorts): Wrapper
}

export const COMMON_SEAL_KEYS = {
  name: maybe(text('Tells it from others; its kind, unless given.')),
  priority: or(int('Which to ask first: lower ones.'), 0),
  disabled: or(bool('Only unwraps, to be migrated away from.'), false),
}

function kind<S extends Shape>(shape: S, env: Kind['env'], open: (values: Values<S>, ports: SealPorts) => Wrapper): Kind {
  return { shape, env, open: (raw, ports) => open(parseShape(shape, resolveTexts(shape, raw, references(ports))), ports) }
}

const references = ({ env }: SealPorts): ReferencePorts => ({ readFile: readFileSync, env: (name) => env[name] })

export const SEAL_KINDS: Readonly<Record<string, Kind>> = {
  awskms: kind(awskmsShape, awskmsEnv, (values) => awskmsSeal(values, openAwsKms)),
  pkcs11: kind(pkcs11Shape, pkcs11Env, pkcs11Seal),
  // Reads its keys itself: they may be bytes that are no text.
  static: {
    shape: staticShape,
    env: {},
    open: (raw, ports) => staticSeal(parseShape(staticShape, raw), { random: ports.random, ...references(ports) }),
  },
  transit: kind(transitShape, transitEnv, (values, { clock }) => transitSeal(values, { clock, readFile: readFileSync, send: sendRequest })),
}

/** Throws a Failure for parameters that can't be used. */
export function openSeals(stanzas: readonly SealStanza[], ports: SealPorts): SealSet {
  const seals: Seal[] = []
  for (const stanza of stanzas) {
    const seal = openSeal(stanza, ports)
    if (seals.some(({ name }) => name === seal.name)) throw failure(stanza, `two seals are named "${seal.name}"; give each a name of its own`)
    seals.push(seal)
  }
  return new SealSet(seals, ports.log)
}

function openSeal(stanza: SealStanza, ports: SealPorts): Seal {
  const { shape, env, open } = SEAL_KINDS[stanza.kind] as Kind
  const { name = stanza.kind, priority, disabled } = parseShape(COMMON_SEAL_KEYS, stanza.given)
  if (!/^[\w-]{1,64}$/.test(name)) throw failure(stanza, 'a name is 1 to 64 letters, digits, "-" and "_"')
  const own = Object.fromEntries(Object.entries(stanza.given).filter(([key]) => Object.hasOwn(shape, key)))
  try {
    return { name, priority, disabled, wrapper: open({ ...fromEnvironment(env, ports.env), ...own }, ports) }
  } catch (error) {
    if (error instanceof Fault) throw failure(stanza, error.message)
    throw error
  }
}

function failure({ place, kind: name }: SealStanza, message: string): Failure {
  return new Failure(1, `${place}: seal "${name}": ${message}`)
}

function fromEnvironment(names: Kind['env'], env: SealPorts['env']): JsonObject {
  const found = Object.entries(names).map(([parameter, variables]) => [parameter, variables.map((one) => env[one]).find(Boolean)] as const)
  return Object.fromEntries(found.filter((pair): pair is readonly [string, string] => pair[1] !== undefined))
}
