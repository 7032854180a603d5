// The line, whole: every request passes these stages in this order, and none can be skipped.
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { type Answer, faultAnswer } from '../contract/answer.ts'
import type { Allowed, Known, Received, Routed } from '../contract/call.ts'
import type { Module } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import type { Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Trail } from '../audit/record.ts'
import type { Recording } from '../audit/recording.ts'
import type { Admit } from './admit.ts'
import { explainHeader } from './denials.ts'
import { answerOf } from './envelope.ts'
import type { LendStage } from './lend.ts'
import { unrouted } from './route.ts'
import { told } from './told.ts'
import type { Wrap } from './wrap.ts'
import type { Running } from './run.ts'

export interface Rooms {
  /** Moves to the newest commit. */
  readonly settle: () => void
  readonly admit: Admit
  readonly route: (received: Received) => Routed
  /** Refuses what should name a wrapping token and doesn't. */
  readonly checkWrapping: (routed: Routed) => void
  readonly authenticate: (routed: Routed) => Known | Promise<Known>
  readonly authorise: (known: Known, creates: boolean) => Allowed
  readonly ready: (known: Known, mount: Mount, module: Module, target: Extract<Routed['target'], { found: 'op' }>) => Running
  readonly help: (module: Module, routed: Routed) => Reply
  readonly lending: LendStage
  readonly mint: (reply: Reply, mount: Mount, path: Received['path']) => Reply | Promise<Reply>
  readonly wrap: Wrap
  /** Told of every token made. */
  readonly made: () => void
  /** Ends a token whose last use this was, or that nobody will be told of. */
  readonly spend: (token: Token) => Promise<void>
  readonly record: (trail: Trail) => Recording
  /** Keeps what was refused, so that it can be explained. */
  readonly denied: (trail: Trail, fault: Fault) => void
  readonly log: Log
}

/** How far a request came, for the record of a refusal. */
interface Progress {
  trail: Trail
  /** Set once the request record is written. */
  recorded: Recording | undefined
  /** What quotas tell the client, whatever else it is told. */
  headers: Answer['headers'] | undefined
  /** Tokens that were made, and that end again where the client can't be told of them. */
  readonly made: Token[]
  /** What was lent, and is taken back again in the same case. */
  lent: Reply | undefined
}

export function openHandle(rooms: Rooms): (received: Received) => Promise<Answer> {
  return async (received) => {
    const progress: Progress = { trail: received, recorded: undefined, headers: undefined, made: [], lent: undefined }
    try {
      rooms.settle()
      const { headers, refusal, audited } = await rooms.admit(received)
      progress.headers = headers
      if (refusal && !audited) return withHeaders(faultAnswer(refusal), headers)
      if (refusal) throw refusal
      return withHeaders(await follow(rooms, received, progress), headers)
    } catch (error) {
      return withHeaders(await refuse(rooms, received, progress, error), progress.headers)
    }
  }
}

function withHeaders(answer: Answer, headers: Answer['headers'] | undefined): Answer {
  return headers ? { ...answer, headers: { ...answer.headers, ...headers } } : answer
}

async function follow(rooms: Rooms, received: Received, progress: Progress): Promise<Answer> {
  const routed = rooms.route(received)
  progress.trail = routed
  rooms.checkWrapping(routed)
  const known = await rooms.authenticate(routed)
  progress.trail = known
  const running = known.caller || isOpen(known) ? ready(rooms, known) : undefined
  const makes = running ? creates(running) : false
  const allowed = rooms.authorise(known, makes)
  progress.trail = { ...allowed, granting: allowed.grant.policies, creates: makes }
  const recording = rooms.record(progress.trail)
  await recording.request()
  progress.recorded = recording
  // A caller whom no policy lets is nobody to an op that would do with a key share.
  const { reply: bare, warnings } = await answer(rooms, allowed, allowed.caller === known.caller ? running : ready(rooms, allowed))
  noteMade(rooms, progress, bare)
  progress.lent = bare
  if (known.caller && known.caller.numUses < 0) await rooms.spend(known.caller)
  const reply = await rooms.wrap(allowed, bare, warnings)
  if (reply !== bare) noteMade(rooms, progress, reply)
  await recording.response(told(reply, bare, warnings))
  if (bare.kind === 'empty') await bare.last?.()
  return answerOf(reply, received.id, allowed.mount, warnings)
}

function isOpen({ target }: Known): boolean {
  return target.found === 'op' && (target.op.access === 'open' || target.op.access === 'share')
}

function ready(rooms: Rooms, known: Known): Running | undefined {
  const { mount, module, target } = known
  return mount && module && target.found === 'op' ? rooms.ready(known, mount, module, target) : undefined
}

/** Input that can't be parsed counts as an update here; running the op will say what is wrong, to those who may know. */
function creates(running: Running): boolean {
  try {
    return running.creates()
  } catch (error) {
    if (error instanceof Fault) return false
    throw error
  }
}

async function answer(rooms: Rooms, allowed: Allowed, running: Running | undefined): Promise<{ reply: Reply; warnings: readonly string[] }> {
  const { mount, module, path } = allowed
  if (allowed.verb === 'help' && module) return { reply: rooms.help(module, allowed), warnings: [] }
  if (!running || !mount) throw unrouted(allowed)
  const ran = await running.run()
  const reply = await rooms.lending.lend(await rooms.mint(ran.reply, mount, path), allowed, mount)
  const own = 'warnings' in reply && reply.warnings ? reply.warnings : []
  return { reply, warnings: [...ran.warnings, ...own] }
}

function noteMade(rooms: Rooms, progress: Progress, reply: Reply): void {
  const token = reply.kind === 'wrapped' ? reply.info.token : reply.kind === 'auth' && reply.made ? reply.auth.token : undefined
  if (!token) return
  progress.made.push(token)
  rooms.made()
}

async function refuse(rooms: Rooms, received: Received, progress: Progress, error: unknown): Promise<Answer> {
  const fault = error instanceof Fault ? error : bug(rooms.log, received.id, error)
  if (fault.code === 'sealed') return faultAnswer(fault)
  if (fault.code === 'denied') {
    rooms.denied(progress.trail, fault)
    progress.headers = { ...progress.headers, ...explainHeader(received.id) }
  }
  try {
    for (const token of progress.made) await rooms.spend(token)
    if (progress.lent) await rooms.lending.takeBack(progress.lent)
    const { caller } = progress.trail
    if (caller && caller.numUses < 0) await rooms.spend(caller)
    const recording = progress.recorded ?? rooms.record(progress.trail)
    if (!progress.recorded) await recording.request(fault)
    await recording.response({}, fault)
    return faultAnswer(fault)
  } catch (second) {
    return faultAnswer(second instanceof Fault ? second : bug(rooms.log, received.id, second))
  }
}

function bug(log: Log, id: string, error: unknown): Fault {
  log.error('request failed', { request_id: id }, error)
  return new Fault('internal', 'internal error')
}
