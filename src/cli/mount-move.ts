// Moving a mount: the server does it by itself, so the command asks until it is over.
import { isObject, type JsonObject } from '../base/json.ts'
import type { Secret } from '../client/secret.ts'
import { attempt, Failure } from './failure.ts'
import { cleanPath, mountPath } from './mount-path.ts'
import type { Terminal } from './terminal.ts'

/** What is moved, and what stands before its path in the mount table. */
export interface Movable {
  readonly noun: string
  readonly prefix: '' | 'auth/'
}

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 5_000

export async function moveMount(terminal: Terminal, { noun, prefix }: Movable, [from = '', to = '']: readonly string[]): Promise<void> {
  const [source, target] = [mountPath(cleanPath(from)), mountPath(cleanPath(to))]
  const what = `${noun} ${source} to ${target}`
  const client = await terminal.client()
  const whole = (path: string) => (path.startsWith(prefix) ? path : prefix + path) // Vault's tools want auth/ said, ours knows it
  const body = { from: whole(source), to: whole(target) }
  const started = await attempt(`Error moving ${what}`, () => client.post('sys/remount', body))
  const id = migrationOf(started)
  terminal.print(`Started moving ${what}, with migration ID ${id}`)
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    const status = statusOf(await attempt(`Error checking migration status of ${what}`, () => client.read(`sys/remount/status/${id}`)))
    if (status === 'success') return terminal.print(`Success! Finished moving ${what}, with migration ID ${id}`)
    if (status === 'failure') throw new Failure(2, `Failure! Error encountered moving ${what}, with migration ID ${id}`)
    if (status === undefined) throw new Failure(2, `No migration with the ID ${id} is known`)
    terminal.print(`Waiting for terminal status in migration of ${what}, with migration ID ${id}`)
    await terminal.ports.sleep(wait)
  }
}

function migrationOf(answer: Secret | undefined): string {
  const id = answer?.data?.['migration_id']
  if (typeof id !== 'string') throw new Failure(2, 'the server did not say how to follow the move')
  return id
}

function statusOf(answer: Secret | undefined): unknown {
  const info: JsonObject | undefined = isObject(answer?.data?.['migration_info']) ? answer.data['migration_info'] : undefined
  return info?.['status']
}
