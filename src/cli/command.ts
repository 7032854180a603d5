// How commands are declared: data from which parsing, help and completion are derived.
import type { Flags, FlagValues } from './flag.ts'
import type { Terminal } from './terminal.ts'

export interface Input<F extends Flags> {
  readonly args: readonly string[]
  readonly flags: FlagValues<F>
}

export interface CommandSpec<F extends Flags> {
  /** One line. */
  readonly doc: string
  /** More lines for its help page; indented lines are examples. */
  readonly about?: string
  /** `NAME` is needed, `[NAME]` is not, and `…...` takes all that follow. */
  readonly args?: readonly string[]
  readonly flags?: F
  /** Which output flags it takes: -format; -format and -field; these and -detailed. */
  readonly output?: 'none' | 'format' | 'field' | 'detailed'
  /** It never talks to a server, so the connection flags make no sense. */
  readonly local?: true
  /** It can print an answer's bytes as they came. */
  readonly raw?: true
  /** Resolves to the exit code, 0 where it says nothing. */
  run(terminal: Terminal, input: Input<F>): Promise<number | void>
}

export interface Command extends CommandSpec<Flags> {
  readonly kind: 'command'
  readonly args: readonly string[]
  readonly flags: Flags
  readonly output: 'none' | 'format' | 'field' | 'detailed'
}

export interface Group {
  readonly kind: 'group'
  readonly doc: string
  readonly about?: string
  readonly commands: Readonly<Record<string, Node>>
  /** What its bare name runs; without it, that prints help. */
  readonly itself?: Command
}

export type Node = Command | Group

// The flags' types are known where a command is declared, and to its `run` only.
export function command<const F extends Flags = Record<never, never>>(spec: CommandSpec<F>): Command {
  return { kind: 'command', args: [], output: 'none', ...(spec as unknown as CommandSpec<Flags>), flags: spec.flags ?? {} }
}

export function group(doc: string, commands: Readonly<Record<string, Node>>, about?: string, itself?: Command): Group {
  return { kind: 'group', doc, commands, ...(about === undefined ? {} : { about }), ...(itself ? { itself } : {}) }
}

/** How few and how many arguments a command takes. */
export function arity(args: readonly string[]): { readonly min: number; readonly max: number } {
  const min = args.filter((arg) => !arg.startsWith('[')).length
  return { min, max: args.some((arg) => /\.\.\.\]?$/.test(arg)) ? Number.POSITIVE_INFINITY : args.length }
}
