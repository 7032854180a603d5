// What a running command has at hand: where to print, how to print, whom to ask.
import type { Client } from '../client/client.ts'
import type { HttpRequest } from '../client/request.ts'
import { Failure } from './failure.ts'
import type { CliPorts } from './ports.ts'

export type Format = 'table' | 'json' | 'yaml' | 'raw'

export interface Terminal {
  readonly ports: CliPorts
  readonly format: Format
  /** Print this field only. */
  readonly field: string | undefined
  readonly detailed: boolean
  /** False where nothing may be asked or read. */
  readonly interactive: boolean
  /** A line on standard output. */
  print(line: string): void
  /** Text for other programs: no newline is added unless somebody looks. */
  printRaw(text: string): void
  /** A line on standard error. */
  warn(line: string): void
  /** Standard input, whole; a second read fails. */
  readStdin(): Promise<Uint8Array>
  /** A client with the token of the environment or the token file. */
  client(): Promise<Client>
  /** A client without token. */
  anonymous(): Promise<Client>
  /** The request that was shown instead of sent, where -output-curl-string or -output-policy was given. */
  readonly withheld: () => HttpRequest | undefined
}

export interface TerminalSettings {
  readonly format: Format
  readonly field?: string | undefined
  readonly detailed?: boolean
  readonly interactive?: boolean
  readonly client: () => Promise<Client>
  readonly anonymous: () => Promise<Client>
  readonly withheld?: () => HttpRequest | undefined
}

export function openTerminal(ports: CliPorts, settings: TerminalSettings): Terminal {
  let stdinUsed = false
  const { field, detailed = false, interactive = true, withheld = () => undefined } = settings
  return {
    ports,
    ...settings,
    field: field === '' ? undefined : field,
    detailed,
    interactive,
    withheld,
    print: (line) => ports.stdout.write(`${line}\n`),
    printRaw: (text) => ports.stdout.write(ports.stdout.isTTY ? `${text}\n` : text),
    warn: (line) => ports.stderr.write(`${line}\n`),
    async readStdin() {
      if (stdinUsed) throw new Failure(1, 'stdin already consumed')
      stdinUsed = true
      return interactive ? ports.stdin.read() : new Uint8Array()
    },
  }
}

/** Asks for a secret on the terminal. Throws a Failure where there is nobody to ask. */
export async function askSecret(terminal: Terminal, what: string, instead: string): Promise<string> {
  if (!terminal.interactive) throw new Failure(1, `${what} is needed, and -non-interactive forbids to ask for it`, { hints: [instead] })
  try {
    return (await terminal.ports.stdin.readSecret(`${what} (will be hidden): `)).trim()
  } catch (error) {
    throw new Failure(1, `could not ask for the ${what.toLowerCase()}: ${(error as Error).message}`, { hints: [instead] })
  }
}
