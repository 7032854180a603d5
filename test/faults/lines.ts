// Child processes that tell what they did in lines.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createInterface } from 'node:readline'

export interface Child {
  kill(signal: NodeJS.Signals): void
  /** Resolves when the process is gone and every line it wrote was heard. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>
}

/** Runs a script of this folder. */
export function start(script: string, args: readonly (string | number)[], heard: (line: string) => void): Child {
  return command([process.execPath, fileURLToPath(new URL(script, import.meta.url)), ...args.map(String)], heard)
}

export function command([program, ...args]: readonly string[], heard: (line: string) => void): Child {
  const child = spawn(program as string, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let complaints = ''
  child.stderr.on('data', (chunk) => (complaints += chunk))
  const lines = createInterface({ input: child.stdout })
  lines.on('line', heard)
  const read = new Promise((resolve) => lines.on('close', resolve))
  const exited = new Promise<Awaited<Child['ended']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code) process.stderr.write(complaints)
      resolve({ code, signal })
    })
  })
  return { kill: (signal) => child.kill(signal), ended: read.then(() => exited) }
}
