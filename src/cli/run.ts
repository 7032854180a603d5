// Finds the command that the arguments name, runs it, and turns what fails into text, hints and an exit code.
import { Fault } from '../base/fault.ts'
import { ApiError } from '../client/failure.ts'
import { arity, type Command, type Node } from './command.ts'
import { loadAll, ROOT } from './commands.ts'
import { allFlags } from './common-flags.ts'
import { addressOf, type Connection, connect, connectAnonymously, tokenOfEnvironment } from './connect.ts'
import { toCurl, toPolicy, withhold } from './dry-run.ts'
import { lookup } from './environment.ts'
import { Failure, isExpected } from './failure.ts'
import type { Flags } from './flag.ts'
import { nodeHelp, rootHelp } from './help.ts'
import { hintsFor } from './hints.ts'
import { showSecret } from './output/show.ts'
import { type Parsed, parseArgs } from './parse.ts'
import type { CliPorts } from './ports.ts'
import { closest } from './suggest.ts'
import { type Format, openTerminal, type Terminal } from './terminal.ts'
import { readToken } from './token-file.ts'

/** Runs one command line (without the program's name) and resolves to the exit code. Rejects only for a bug. */
export async function runCli(argv: readonly string[], ports: CliPorts): Promise<number> {
  try {
    const [first = ''] = argv
    if (/^--?(v|version)$/.test(first)) return await runCli(['version'], ports)
    if (argv.length === 0) return await help(ports, 127)
    if (isHelp(first)) return await help(ports, 0)
    return await dispatch(argv, ports)
  } catch (error) {
    if (!isExpected(error)) throw error
    return report(ports, error, error instanceof Failure ? error.hints : [])
  }
}

async function help(ports: CliPorts, exitCode: number): Promise<number> {
  const output = exitCode === 0 ? ports.stdout : ports.stderr
  output.write(`${rootHelp(await loadAll())}\n`)
  return exitCode
}

function isHelp(word: string): boolean {
  return /^--?(h|help)$/.test(word)
}

async function dispatch(argv: readonly string[], ports: CliPorts): Promise<number> {
  const { path, node, rest } = await find(argv)
  const end = rest.indexOf('--')
  const asked = (end < 0 ? rest : rest.slice(0, end)).some(isHelp)
  if (asked) {
    ports.stdout.write(`${nodeHelp(path, node)}\n`)
    return 0
  }
  if (node.kind === 'command') return run(node, rest, ports)
  if (rest[0] !== undefined && !rest[0].startsWith('-')) throw unknown([...path, rest[0]], Object.keys(node.commands), 1)
  if (node.itself) return run(node.itself, rest, ports)
  ports.stderr.write(`${nodeHelp(path, node)}\n`)
  return 1
}

async function find(argv: readonly string[]): Promise<{ path: readonly string[]; node: Node; rest: readonly string[] }> {
  const [first = ''] = argv
  const load = Object.hasOwn(ROOT, first) ? ROOT[first] : undefined
  if (!load) throw unknown([first], Object.keys(ROOT), 127)
  let node = await load()
  let depth = 1
  while (node.kind === 'group') {
    const name = argv[depth] ?? ''
    const next = Object.hasOwn(node.commands, name) ? node.commands[name] : undefined
    if (!next) break
    node = next
    depth++
  }
  return { path: argv.slice(0, depth), node, rest: argv.slice(depth) }
}

function unknown(path: readonly string[], known: readonly string[], exitCode: 1 | 127): Failure {
  const near = closest(path.at(-1) as string, known)
  const parent = ['signet', ...path.slice(0, -1)].join(' ')
  const hint = near === undefined ? `see "${parent} -help" for what there is` : `did you mean "${parent} ${near}"?`
  return new Failure(exitCode, `unknown command ${JSON.stringify(path.join(' '))}`, { hints: [hint] })
}

async function run(command: Command, argv: readonly string[], ports: CliPorts): Promise<number> {
  const parsed = parseArgs(allFlags(command), argv, ports.env)
  const connection = parsed.flags as unknown as Connection
  const terminal = open(command, parsed, connection, ports)
  checkArity(command, parsed.args)
  try {
    return (await command.run(terminal, parsed)) ?? 0
  } catch (error) {
    const withheld = terminal.withheld()
    if (withheld) {
      terminal.print(connection['output-policy'] ? toPolicy(withheld) : toCurl(withheld, connection))
      return 0
    }
    if (!isExpected(error)) throw error
    return await explain(terminal, error, command.local ? '' : addressOf(connection))
  }
}

function open(command: Command, parsed: Parsed<Flags>, connection: Connection, ports: CliPorts): Terminal {
  const output = parsed.flags as unknown as { format?: string; field?: string; detailed?: boolean }
  const dry = connection['output-curl-string'] || connection['output-policy'] ? withhold() : undefined
  const request = dry?.request ?? ports.request
  return openTerminal(ports, {
    // A command with a -format of its own prints in no other.
    format: parseFormat(command, Object.hasOwn(command.flags, 'format') ? '' : (output.format ?? lookup(ports.env, 'FORMAT')?.value ?? '')),
    field: output.field,
    detailed: output.detailed === true,
    interactive: connection['non-interactive'] !== true,
    client: () => connect(ports, connection, request),
    anonymous: () => connectAnonymously(ports, connection, request),
    ...(dry ? { withheld: dry.withheld } : {}),
  })
}

const FORMATS: Readonly<Record<string, Format>> = { '': 'table', table: 'table', json: 'json', yaml: 'yaml', yml: 'yaml', raw: 'raw' }

function parseFormat(command: Command, text: string): Format {
  const name = text.toLowerCase()
  const format = Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined
  if (!format) throw new Failure(1, `Invalid output format: ${name}`)
  if (format === 'raw' && !command.raw) throw new Failure(1, 'This command does not support the -format=raw option.')
  return format
}

function checkArity(command: Command, args: readonly string[]): void {
  const { min, max } = arity(command.args)
  const expected = min === max || max === Number.POSITIVE_INFINITY ? `${min}` : `${min}-${max}`
  if (args.length < min) throw new Failure(1, `Not enough arguments (expected ${expected}, got ${args.length})`)
  if (args.length > max) throw new Failure(1, `Too many arguments (expected ${expected}, got ${args.length})`)
}

/** Prints the failure, what the server sent beside it, and what to try next. */
async function explain(terminal: Terminal, error: Error, address: string): Promise<number> {
  const { ports } = terminal
  const cause = error instanceof Failure && error.cause !== undefined ? error.cause : error
  const hasToken = (tokenOfEnvironment(ports) || (await readToken(ports.files, ports.home).catch(() => ''))) !== ''
  const exitCode = report(ports, error, hintsFor(error, { address, hasToken }))
  if (cause instanceof ApiError && cause.status === 404 && cause.secret) showSecret({ ...terminal, field: undefined }, cause.secret)
  return exitCode
}

function report(ports: CliPorts, error: Error, hints: readonly string[]): number {
  ports.stderr.write(`${error.message}\n${hints.map((hint) => `hint: ${hint}\n`).join('')}`)
  if (error instanceof Failure) return error.exitCode
  return error instanceof Fault ? 1 : 2
}
