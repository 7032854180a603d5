// Reads arguments as Go's flag package does (-x, --x, -x=v, -x v), save that flags may also follow the arguments.
import { Fault } from '../base/fault.ts'
import { type Environment, lookup } from './environment.ts'
import { Failure } from './failure.ts'
import type { Flag, Flags, FlagValues } from './flag.ts'
import { closest } from './suggest.ts'

export interface Parsed<F extends Flags> {
  readonly args: readonly string[]
  readonly flags: FlagValues<F>
}

/** Throws a Failure (exit code 1) for an unknown flag or a value that a flag does not take. `--` ends the flags. */
export function parseArgs<F extends Flags>(declared: F, argv: readonly string[], env: Environment): Parsed<F> {
  const names = namesOf(declared)
  const values: Record<string, unknown> = {}
  const args: string[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string
    if (word === '--') {
      args.push(...argv.slice(i + 1))
      break
    }
    if (word === '-' || !word.startsWith('-')) {
      args.push(word)
      continue
    }
    const { name, flag, given } = findFlag(names, word)
    const raw = given ?? (flag.kind === 'bool' ? 'true' : argv[++i])
    if (raw === undefined) throw new Failure(1, `flag needs an argument: -${name}`)
    values[name] = accept(flag, raw, Object.hasOwn(values, name) ? values[name] : flag.fallback, `flag -${name}`)
  }
  return { args, flags: complete(declared, values, env) }
}

/** A declared flag by each of its names. */
function namesOf(declared: Flags): Map<string, [string, Flag<unknown>]> {
  const names = new Map<string, [string, Flag<unknown>]>()
  for (const [name, flag] of Object.entries(declared)) {
    for (const one of [name, ...flag.aliases]) names.set(one, [name, flag as Flag<unknown>])
  }
  return names
}

function findFlag(names: Map<string, [string, Flag<unknown>]>, word: string): { name: string; flag: Flag<unknown>; given: string | undefined } {
  const body = word.replace(/^--?/, '')
  const equals = body.indexOf('=')
  const written = equals < 0 ? body : body.slice(0, equals)
  if (written === '' || written.startsWith('-')) throw new Failure(1, `bad flag syntax: ${word}`)
  const found = names.get(written)
  if (!found) throw unknownFlag(written, [...names.keys()])
  return { name: found[0], flag: found[1], given: equals < 0 ? undefined : body.slice(equals + 1) }
}

function unknownFlag(written: string, known: readonly string[]): Failure {
  const near = closest(written, known)
  return new Failure(1, `flag provided but not defined: -${written}`, {
    hints: [near === undefined ? 'an argument that begins with "-" goes after "--"' : `did you mean -${near}?`],
  })
}

function complete<F extends Flags>(declared: F, values: Record<string, unknown>, env: Environment): FlagValues<F> {
  for (const [name, flag] of Object.entries(declared)) {
    if (Object.hasOwn(values, name)) continue
    const found = flag.env === undefined ? undefined : lookup(env, flag.env)
    values[name] = found && found.value !== '' ? accept(flag as Flag<unknown>, found.value, flag.fallback, found.name) : flag.fallback
  }
  return values as FlagValues<F>
}

function accept(flag: Flag<unknown>, raw: string, before: unknown, what: string): unknown {
  try {
    return flag.parse(raw, before)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    throw new Failure(1, `invalid value ${JSON.stringify(raw)} for ${what}: ${error.message}`)
  }
}
