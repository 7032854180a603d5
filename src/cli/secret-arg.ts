// A token or key given as an argument: `-` takes it from standard input, so that no process list shows it.
import type { Terminal } from './terminal.ts'

export async function secretArg(terminal: Terminal, arg: string | undefined): Promise<string> {
  const text = arg === '-' ? Buffer.from(await terminal.readStdin()).toString() : (arg ?? '')
  return text.trim()
}
