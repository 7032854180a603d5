// The token that `login` leaves behind for later commands: ~/.vault-token, which other tools read too.
import { Failure, fileProblem } from './failure.ts'
import type { CliFiles } from './ports.ts'

const MODE = 0o600

export function tokenPath(home: string): string {
  return `${home}/.vault-token`
}

/** The stored token, or '' where there is none. */
export async function readToken(files: CliFiles, home: string): Promise<string> {
  try {
    return Buffer.from(await files.read(tokenPath(home)))
      .toString()
      .trim()
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return ''
    throw new Failure(2, `failed to read the token from ${tokenPath(home)}: ${fileProblem(error)}`)
  }
}

export async function storeToken(files: CliFiles, home: string, token: string): Promise<void> {
  await files.write(tokenPath(home), token, MODE)
}
