// A command that can't go on: what it prints and how it exits.
import { Fault } from '../base/fault.ts'
import { ApiError, Unreachable } from '../client/failure.ts'

/** 1: our side (arguments, files); 2: the server refused or is not there. */
export type ExitCode = 1 | 2 | 127

export class Failure extends Error {
  readonly exitCode: ExitCode
  readonly hints: readonly string[]

  constructor(exitCode: ExitCode, message: string, more: { hints?: readonly string[]; cause?: unknown } = {}) {
    super(message, { cause: more.cause })
    this.name = 'Failure'
    this.exitCode = exitCode
    this.hints = more.hints ?? []
  }
}

/**
 * Runs a request; a refusal becomes `<doing>: <what the server said>`.
 * @example const secret = await attempt(`Error reading ${path}`, () => client.read(path))
 */
export async function attempt<T>(doing: string, run: () => Promise<T>, exitCode: ExitCode = 2): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isExpected(error)) throw error
    throw new Failure(exitCode, `${doing}: ${error.message}`, { cause: error })
  }
}

/** What may be told as it is; anything else is a bug. */
export function isExpected(error: unknown): error is Error {
  return error instanceof ApiError || error instanceof Unreachable || error instanceof Fault || error instanceof Failure
}

/** The system's word for why a file could not be used. */
export function fileProblem(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown }
  if (code === 'ENOENT') return 'no such file or directory'
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  if (code === 'EISDIR') return 'is a directory'
  if (code === 'ENOTDIR') return 'not a directory'
  return String(message)
}
