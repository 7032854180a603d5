// What the commands that take key shares have in common: where a share comes from, and how a request carries it.
import type { JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { parseBody } from '../../client/secret.ts'
import { Failure } from '../failure.ts'
import { text } from '../flag.ts'
import { secretArg } from '../secret-arg.ts'
import { askSecret, type Terminal } from '../terminal.ts'

export const nonceFlag = text('What the operation was given when it began; needed with a share that is not asked for on the terminal.')

export async function getBody(client: Client, path: string): Promise<JsonObject> {
  return parseBody((await client.call('GET', path)).body) as JsonObject
}

export async function putBody(client: Client, path: string, body: JsonObject): Promise<JsonObject> {
  return parseBody((await client.call('PUT', path, { body })).body) as JsonObject
}

/** The share that lets somebody without a token begin or give up: the argument, or asked for. Nothing for those with a token. */
export async function shareInstead(terminal: Terminal, client: Client, arg: string | undefined): Promise<JsonObject> {
  if (arg === undefined && client.options.token) return {}
  return { key: (await secretArg(terminal, arg)) || (await askShare(terminal)) }
}

/** A share and the nonce it is given for: one that is typed goes to what is in progress, any other says what it is for. */
export async function shareFor(terminal: Terminal, arg: string | undefined, nonce: string | undefined, current: string): Promise<JsonObject> {
  const given = await secretArg(terminal, arg)
  if (given === '') {
    terminal.print(`Operation nonce: ${current}`)
    return { key: await askShare(terminal), nonce: current }
  }
  if (!nonce) throw new Failure(1, 'Missing nonce value: specify it via the -nonce flag')
  return { key: given, nonce }
}

function askShare(terminal: Terminal): Promise<string> {
  return askSecret(terminal, 'Key Share', 'pipe it in, with "-" as the argument')
}
