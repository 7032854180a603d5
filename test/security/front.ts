// A whole server of this process behind a real listener, asked with exact bytes; and what it may not change or forget to record.
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { listen } from '../../src/app/listen.ts'
import { clock, random, timers } from '../../src/app/ports.ts'
import { type Log, silent } from '../../src/base/log.ts'
import { type EdgeParts, openEdge } from '../../src/edge/edge.ts'
import { openWorld, type World, type WorldOptions } from '../../src/testing/world.ts'
import { type RawAnswer, RawClient } from '../edge/door.ts'

export interface Front extends AsyncDisposable {
  readonly world: World
  readonly port: number
  /** A connection of its own. */
  dial(): RawClient
  /** One request on a connection of its own; undefined where it was closed without an answer. */
  raw(bytes: string | Buffer): Promise<RawAnswer | undefined>
  /** A well-formed request with whatever it is given. */
  ask(asked: Asked): Promise<Answered>
}

export interface Asked {
  readonly method?: string
  /** As it stands on the request line. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  /** None for undefined; as JSON where it isn't text or bytes. */
  readonly body?: unknown
  /** The root token where nothing is said; '' for none. */
  readonly token?: string
}

export interface Answered {
  readonly status: number
  /** Parsed where it is JSON. */
  readonly body: any
  readonly text: string
  readonly headers: Readonly<Record<string, string>>
}

const AUDIT = '/audit.log'

export interface FrontOptions extends WorldOptions {
  readonly limits?: EdgeParts['limits']
}

/** With an audit device, unless it is to be left blank. */
export async function openFront(options: FrontOptions = {}): Promise<Front> {
  const world = await openWorld(options)
  if (!options.blank) await world.ok('write', 'sys/audit/file', { type: 'file', options: { file_path: AUDIT } })
  return serve(world, options.log ?? silent, options.limits)
}

async function serve(world: World, log: Log, limits: EdgeParts['limits'] = {}): Promise<Front> {
  const handle: EdgeParts['handle'] = (received) => world.kernel.handle(received)
  const edge = openEdge({ clock, random, timers, log, secure: false, handle, limits: { lingerMs: 50, ...limits } })
  const listener = await listen({ address: '127.0.0.1:0' }, edge)
  const dial = () => new RawClient(connect(listener.port, '127.0.0.1').setNoDelay(true))

  async function raw(bytes: string | Buffer): Promise<RawAnswer | undefined> {
    const client = dial()
    await client.send(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    const answer = await client.next(bytes.toString('latin1', 0, 5) === 'HEAD ')
    client.socket.destroy()
    return answer
  }

  async function ask(asked: Asked): Promise<Answered> {
    const answer = await raw(request(asked, world.rootToken))
    assert.ok(answer, `no answer to ${asked.method ?? 'GET'} ${asked.target}`)
    return parsed(answer)
  }

  return {
    world,
    port: listener.port,
    dial,
    raw,
    ask,
    async [Symbol.asyncDispose]() {
      await listener.close(0)
      await world.close()
    },
  }
}

/** The bytes of a request; header names and values stand as they are given. */
export function request({ method = 'GET', target, headers = {}, body, token }: Asked, otherwise: string): Buffer {
  const payload = toBytes(body)
  const own = { Host: 'vault.example', ...headers }
  const lines = [`${method} ${target} HTTP/1.1`, ...Object.entries(own).map(([name, value]) => `${name}: ${value}`)]
  const sent = token ?? otherwise
  if (sent !== '') lines.push(`X-Vault-Token: ${sent}`)
  if (payload !== undefined) lines.push(`Content-Length: ${payload.length}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), payload ?? Buffer.alloc(0)])
}

function toBytes(body: unknown): Buffer | undefined {
  if (body === undefined || body instanceof Buffer) return body
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
}

export function parsed({ status, headers, body: latin1 }: RawAnswer): Answered {
  const text = Buffer.from(latin1, 'latin1').toString()
  const isJson = headers['content-type'] === 'application/json'
  return { status, headers, text, body: isJson && text !== '' ? JSON.parse(text) : undefined }
}

/** The audit records of the device that every front has. Reading them proves them well-formed. */
export function records(world: World): readonly any[] {
  return world.audit(AUDIT)
}

/** Begins a new audit file, as log rotation does: a long one takes long to add to. */
export function rotate({ files, kernel, audit }: World): void {
  files.unlink(AUDIT)
  kernel.reopen()
  audit(AUDIT)
}

export interface Refusal {
  readonly status: number
  readonly errors: readonly string[]
  /** Whether audit records tell of it: nothing that the edge refuses reaches them. */
  readonly audited: boolean
}

/** Asks, and makes sure of the answer, of the records, and that nothing was written. */
export async function assertRefused(front: Front, asked: Asked, expected: Refusal): Promise<void> {
  const { world } = front
  const [revision, before] = [world.store.revision, records(world).length]
  const { status, body } = await front.ask(asked)
  assert.deepEqual({ status, errors: body?.errors }, { status: expected.status, errors: expected.errors })
  assert.equal(world.store.revision, revision, 'nothing was written')
  assertRecorded(world, before, asked, expected)
}

export function assertRecorded(world: World, before: number, { token }: Asked, { errors, audited }: Refusal): void {
  const made = records(world).slice(before)
  assert.deepEqual(
    made.map(({ type }) => type),
    audited ? ['request', 'response'] : [],
  )
  // What is refused only when it runs has a request record without an error. Which error it was is told as Vault does: by its kind, and hashed.
  if (audited && errors.length > 0) assert.match(made[1].error, /^\d+ error(?:s)? occurred:|^permission denied$/)
  for (const { error, request: of } of made) {
    assert.equal(error ?? made[1].error, made[1].error)
    assert.match(of.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    if (token !== '') assert.match(of.client_token, /^hmac-sha256:[0-9a-f]{64}$/)
  }
  const text = JSON.stringify(made)
  for (const secret of [world.rootToken, token]) if (secret) assert.ok(!text.includes(secret), 'no raw token')
}
