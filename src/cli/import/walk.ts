// All names below a folder, by listing folder after folder: not every server can list them at once.
import type { Client } from '../../client/client.ts'
import { names } from './importing.ts'

/** Relative to the folder, which ends in a slash. */
export async function walk(client: Client, folder: string, under = ''): Promise<string[]> {
  const found: string[] = []
  for (const name of await names(client, folder + under)) {
    if (name.endsWith('/')) found.push(...(await walk(client, folder, under + name)))
    else found.push(under + name)
  }
  return found
}
