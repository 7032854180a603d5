// Running the op: its input parsed from what was sent and captured, its context made, its warnings gathered.
import type { Clock, Random } from '../base/ports.ts'
import { type Field, parseShape, type Shape } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import type { TtlBounds } from '../base/ttl.ts'
import type { Known } from '../contract/call.ts'
import type { Ctx, Module, Op } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import type { Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Store } from '../store/store.ts'

export interface RunDeps {
  readonly clock: Clock
  readonly random: Random
  readonly storeOf: (mount: Mount, caller: Token | undefined) => Store
  readonly boundsOf: (mount: Mount) => TtlBounds
}

/** One op about to run. */
export interface Running {
  /** Whether a write makes something new, as far as the op can tell. */
  creates(): boolean
  run(): Promise<{ reply: Reply; warnings: readonly string[] }>
}

interface Target {
  readonly op: Op
  readonly params: Readonly<Record<string, string>>
}

export function openRun(deps: RunDeps): (call: Known, mount: Mount, module: Module, target: Target) => Running {
  return (call, mount, module, { op, params }) => {
    const warnings: string[] = []
    const ctx = context(deps, call, mount, module, warnings)
    let input: unknown
    const parsed = () => (input ??= parseShape(shapeOf(module, op, params), { ...call.data, ...params }))
    return {
      creates: () => op.exists?.(ctx, parsed() as never) === false,
      async run() {
        const values = parsed()
        const reply = await op.run(ctx, values as never, call.body)
        if (!op.arbitrary && !op.bytes) warnings.push(...unexpected(call.data, op, params))
        return { reply, warnings }
      },
    }
  }
}

function context({ clock, random, storeOf, boundsOf }: RunDeps, call: Known, mount: Mount, module: Module, warnings: string[]): Ctx {
  const ctx: Ctx = {
    store: storeOf(mount, call.caller),
    mount,
    clock,
    random,
    bounds: boundsOf(mount),
    request: requestOf(call),
    data: call.data,
    caller: call.caller,
    warn: (text) => void warnings.push(text),
  }
  if (module.kind !== 'system') return ctx
  return { ...ctx, ...(call.token ? { token: call.token } : {}), ...(call.upload ? { upload: call.upload } : {}) }
}

/** Not the call itself, which has the token. */
function requestOf({ id, verb, path, peer, wrapTtl, stream }: Known): Ctx['request'] {
  return { id, verb, path, peer, wrapTtl, ...(stream ? { stream } : {}) }
}

const shapes = new WeakMap<Op, Shape>()

/** The op's own fields and those its path captures. */
function shapeOf(module: Module, op: Op, params: Readonly<Record<string, string>>): Shape {
  const known = shapes.get(op)
  if (known) return known
  const owner = module.paths.find((path) => Object.values(path.ops).includes(op))
  const captured: Record<string, Field<unknown>> = {}
  for (const [name, field] of Object.entries(owner?.params ?? {})) if (Object.hasOwn(params, name)) captured[name] = field
  const shape = { ...op.input, ...captured }
  shapes.set(op, shape)
  return shape
}

/** Vault's warnings about parameters that it did not take from where they were sent. */
function unexpected(data: JsonObject, op: Op, params: Readonly<Record<string, string>>): string[] {
  const sent = Object.keys(data)
  if (sent.length === 0) return []
  const ignored = sent.filter((key) => !Object.hasOwn(op.input, key) && !Object.hasOwn(params, key)).sort()
  const replaced = sent.filter((key) => Object.hasOwn(params, key)).sort()
  return [
    ...(ignored.length > 0 ? [`Endpoint ignored these unrecognized parameters: [${ignored.join(' ')}]`] : []),
    ...(replaced.length > 0
      ? [`Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [${replaced.join(' ')}]`]
      : []),
  ]
}
