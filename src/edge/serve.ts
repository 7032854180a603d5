// A request's way through the door: head, body, handling, answer; or, at any point before handling, a refusal.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { networkOf } from '../base/cidr.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Clock, Timers } from '../base/ports.ts'
import { Secret } from '../base/secret.ts'
import type { Answer } from '../contract/answer.ts'
import type { Peer, Received } from '../contract/call.ts'
import { type Ask, parseAsk } from './ask.ts'
import { drainBody, readBody, tooLarge } from './body.ts'
import type { Connection } from './connection.ts'
import { type CorsRules, crossOrigin } from './cors.ts'
import type { Crowd, Room } from './crowd.ts'
import { type Exchange, type Incoming, isBodiless, isGone, isHttp2, type Outgoing } from './exchange.ts'
import { clientBehind, type Forwarding } from './forwarded.ts'
import { type Head, readHead } from './head.ts'
import { laneOf } from './lanes.ts'
import type { EdgeLimits } from './limits.ts'
import { checkMedia, settleBody } from './media.ts'
import { refusalAnswer, INTERNAL, respond, toHeaders } from './respond.ts'
import { UPGRADE_REQUIRED } from './upgrade.ts'
import { openUpload, takesUpload, type Upload } from './upload.ts'

/** What all requests that come through one door share. */
export interface Door {
  readonly handle: (received: Received) => Promise<Answer>
  readonly clock: Clock
  readonly timers: Timers
  readonly log: Log
  readonly limits: EdgeLimits
  readonly nextId: () => string
  /** The headers that every answer of a status carries. */
  readonly fixed: (status: number) => readonly string[]
  readonly answered: (status: number, milliseconds: number) => void
  /** A client was cut off because what it sent came too slowly. */
  readonly tooSlow: () => void
  readonly connections: Map<Socket, Connection>
  readonly crowd: Crowd
  /** Undefined where nobody is believed about whom they speak for. */
  readonly forwarding: Forwarding | undefined
  /** What browsers of other origins may do; undefined where nothing is said. */
  readonly cors: () => CorsRules | undefined
  /** The other end of a connection, as it is known before a request says more. */
  readonly peerOf: (socket: Socket) => Peer
  running: number
  draining: boolean
}

const NO_BODY = Buffer.alloc(0)
const NEARLY = 0.9
const WITH_BODY: readonly string[] = ['write', 'patch', 'delete']

export function serve(door: Door, req: Incoming, res: Outgoing): void {
  const connection = isHttp2(req) ? undefined : door.connections.get(req.socket)
  if (connection && connection.state !== 'open') return // its end is under way
  const exchange = begin(door, connection, req, res)
  try {
    const { limits } = door
    const head = readHead(toVersion(req), req.rawHeaders, limits)
    exchange.namespace = head.namespaceSent
    if (door.forwarding) exchange.peer = clientBehind(exchange.peer, req.rawHeaders, door.forwarding)
    exchange.cross = crossOrigin(door.cors, req.method as string, req.rawHeaders)
    if (exchange.cross?.answer) return send(door, exchange, exchange.cross.answer)
    const ask = parseAsk(connection?.shim.verb ?? (req.method as string), req.url as string, limits.parameters)
    checkMedia(ask.verb, head.contentType)
    exchange.room = door.crowd.enter(networkOf(exchange.peer.address), laneOf(ask, head))
    if (isBodiless(req)) void handle(door, exchange, ask, head, NO_BODY)
    else if (takesUpload(ask)) takeUpload(door, exchange, ask, head)
    else takeBody(door, exchange, ask, head)
  } catch (error) {
    refuse(door, exchange, error)
  }
}

function begin(door: Door, connection: Connection | undefined, req: Incoming, res: Outgoing): Exchange {
  door.running++
  if (connection) connection.pending++
  const told = { namespace: undefined, peer: connection?.peer ?? door.peerOf(req.socket), room: undefined, cross: undefined }
  return { id: door.nextId(), started: door.clock.monotonic(), req, res, connection, isHead: req.method === 'HEAD', ...told }
}

function toVersion(req: Incoming): '1.0' | '1.1' | '2' {
  if (isHttp2(req)) return '2'
  if (req.httpVersion === '1.1' || req.httpVersion === '1.0') return req.httpVersion
  throw new Fault('invalid', 'unsupported HTTP version')
}

function takeBody(door: Door, exchange: Exchange, ask: Ask, head: Head): void {
  const { limits, timers } = door
  const { req, res, connection } = exchange
  if (head.declared !== undefined && head.declared > limits.bodyBytes) throw tooLarge(limits)
  if (head.waits) res.writeContinue()
  const settled = (next: () => void): void => {
    if (connection) connection.refuseBody = undefined
    next()
  }
  const refuseBody = readBody(req, limits, timers, {
    whole: (body) => settled(() => void handle(door, exchange, ask, head, body)),
    refused: (fault) => settled(() => refuse(door, exchange, fault)),
    hold: (bytes) => door.crowd.hold(exchange.room as Room, bytes),
    gone: () => settled(() => end(door, exchange)),
  })
  if (connection) connection.refuseBody = refuseBody
}

/** Whoever handles it reads it; what is left of it then is refused together with the connection. */
function takeUpload(door: Door, exchange: Exchange, ask: Ask, head: Head): void {
  const { req, res, connection } = exchange
  const upload = openUpload(req)
  if (head.waits) res.writeContinue()
  if (connection) connection.refuseBody = upload.fail
  void handle(door, exchange, ask, head, NO_BODY, upload)
}

async function handle(door: Door, exchange: Exchange, ask: Ask, head: Head, body: Buffer, upload?: Upload): Promise<void> {
  let answer: Answer
  try {
    const received = receive(door, exchange, ask, head, body)
    const given = await door.handle(upload ? { ...received, upload: upload.chunks } : received)
    if (given.chunks && exchange.res.stream) throw new Fault('invalid', 'a file is not sent over a WebSocket')
    answer = given.stream && !exchange.res.stream ? UPGRADE_REQUIRED : given
  } catch (error) {
    answer = toAnswer(door, exchange, error)
  }
  if (upload && exchange.connection) exchange.connection.refuseBody = undefined
  if (upload && !upload.whole) giveUp(door, exchange, answer)
  else send(door, exchange, answer)
}

function receive(door: Door, exchange: Exchange, ask: Ask, head: Head, sent: Buffer): Received {
  const { body, contentType } = settleBody(ask.verb, head.contentType, sent, door.limits.parameters)
  return {
    id: exchange.id,
    at: door.clock.now(),
    verb: ask.verb,
    path: ask.path,
    namespace: head.namespace,
    query: ask.query,
    body: WITH_BODY.includes(ask.verb) ? body : NO_BODY,
    contentType,
    token: head.token === undefined ? undefined : new Secret(head.token),
    peer: exchange.peer,
    headers: exchange.req.rawHeaders,
    wrapTtl: head.wrapTtl,
  }
}

function toAnswer(door: Door, exchange: Exchange, error: unknown): Answer {
  if (error instanceof Fault) return refusalAnswer(error)
  door.log.error('request failed', { request_id: exchange.id }, error)
  return INTERNAL
}

function send(door: Door, exchange: Exchange, answer: Answer): void {
  const close = exchange.connection !== undefined && (door.draining || exchange.connection.state === 'broken' || isFull(door))
  if (answer.chunks && !exchange.isHead) return void sendChunks(door, exchange, answer, answer.chunks, close)
  try {
    respond(exchange, answer, headersFor(door, exchange, answer, close))
  } catch (error) {
    const instead = toAnswer(door, exchange, error) // a header that can't be sent: the fault of whoever made the answer
    respond(exchange, instead, toHeaders(instead, door.fixed(instead.status), undefined, close))
  }
  end(door, exchange, answer.status)
}

function headersFor(door: Door, { namespace, cross }: Exchange, answer: Answer, close: boolean): string[] {
  const headers = toHeaders(answer, door.fixed(answer.status), namespace, close)
  return cross ? [...headers, ...cross.headers] : headers
}

/** So close to the limit that connections between two requests are wanted by others. */
function isFull({ connections, limits }: Door): boolean {
  return connections.size > limits.connections * NEARLY
}

async function sendChunks(door: Door, exchange: Exchange, answer: Answer, chunks: AsyncIterable<Uint8Array>, close: boolean): Promise<void> {
  const res = exchange.res as Outgoing & ServerResponse
  try {
    res.writeHead(answer.status, toHeaders(answer, door.fixed(answer.status), exchange.namespace, close))
    await pipeline(chunks, res)
  } catch (error) {
    if (!isGone(exchange)) door.log.error('an answer broke off', { request_id: exchange.id }, error)
    res.destroy()
  }
  end(door, exchange, answer.status)
}

function refuse(door: Door, exchange: Exchange, error: unknown): void {
  giveUp(door, exchange, toAnswer(door, exchange, error))
}

/** Answers at once, and closes the connection when the client has had time to read it: its body may be half sent. */
function giveUp(door: Door, exchange: Exchange, answer: Answer): void {
  const { req, res, connection, isHead } = exchange
  if (connection) connection.state = 'refused'
  if (answer.status === 408) door.tooSlow()
  const headers = headersFor(door, exchange, answer, connection !== undefined)
  if (isBodiless(req)) respond(exchange, answer, headers)
  else {
    res.writeHead(answer.status, headers)
    if (!isHead) res.write(answer.body)
    drainBody(req, door.limits, door.timers, () => res.end())
  }
  end(door, exchange, answer.status)
}

function end(door: Door, exchange: Exchange, status?: number): void {
  door.running--
  if (exchange.connection) exchange.connection.pending--
  if (exchange.room) door.crowd.leave(exchange.room)
  if (status !== undefined) door.answered(status, door.clock.monotonic() - exchange.started)
}
