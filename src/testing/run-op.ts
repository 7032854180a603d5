// Runs a module's ops as the pipeline would, without the pipeline: path matching, field parsing, a settable clock.
import { randomBytes } from 'node:crypto'
import { Fault } from '../base/fault.ts'
import { parseShape } from '../base/fields.ts'
import type { JsonObject } from '../base/json.ts'
import { asFolder, parsePath } from '../base/path.ts'
import type { Ctx, Module, Op, OpVerb, Path } from '../contract/module.ts'
import type { Mount } from '../contract/mount.ts'
import type { Reply } from '../contract/reply.ts'
import type { Token } from '../contract/token.ts'
import type { Store } from '../store/store.ts'
import { memory } from '../store/memory.ts'
import { matcher } from '../tenancy/router.ts'
import { type SettableClock, settableClock, stillTimers } from './clock.ts'

export { settableClock }

/** Seconds: the server's bounds where a mount sets none. */
const SYSTEM_TTL = 2_764_800

export interface BenchOptions {
  readonly store?: Store
  readonly clock?: SettableClock
  readonly mount?: Partial<Mount>
  /** Who asks where a call names nobody. */
  readonly caller?: Token
}

export interface Ran {
  readonly reply: Reply
  readonly warnings: string[]
  /** What a policy would have to grant. */
  readonly capability: string
}

export interface Bench {
  readonly store: Store
  readonly clock: SettableClock
  readonly mount: Mount
  /** Throws the op's Fault; `missing` "unsupported path" and `unsupported` where no op takes it. */
  call(verb: OpVerb, path: string, data?: JsonObject, caller?: Token): Promise<Ran>
  /** What an op would be given, to call hooks with. */
  ctx(more?: Partial<Ctx>): Ctx
}

/**
 * @example const bench = openBench(kv2); const { reply } = await bench.call('write', 'data/app', { data: { user: 'ann' } })
 */
export function openBench(module: Module, options: BenchOptions = {}): Bench {
  const store = options.store ?? memory({ timers: stillTimers })
  const clock = options.clock ?? settableClock()
  const mount = { ...MOUNT, class: module.kind === 'auth' ? 'auth' : 'secret', type: module.type, ...options.mount } satisfies Mount
  const ctx: Bench['ctx'] = (more = {}) => ({
    store,
    mount,
    clock,
    random: { bytes: randomBytes },
    bounds: { defaultTtl: mount.config.defaultLeaseTtl || SYSTEM_TTL, maxTtl: mount.config.maxLeaseTtl || SYSTEM_TTL },
    request: request('read', mount.path),
    data: {},
    caller: options.caller,
    warn() {},
    ...more,
  })
  return {
    store,
    clock,
    mount,
    ctx,
    async call(verb, path, data = {}, caller = options.caller) {
      const canonical = verb === 'list' || verb === 'scan' ? asFolder(parsePath(path)) : parsePath(path)
      const { op, shape, params } = find(module, verb, canonical)
      const input = parseShape({ ...shape, ...op.input }, { ...data, ...params }) as never
      const warnings: string[] = []
      const context = ctx({ request: request(verb, mount.path + canonical), data, caller, warn: (text) => void warnings.push(text) })
      const capability = verb !== 'write' ? verb : op.exists && !op.exists(context, input) ? 'create' : 'update'
      const reply = await op.run(context, input, Buffer.from(JSON.stringify(data)))
      return { reply, warnings, capability }
    },
  }
}

function request(verb: OpVerb, path: string): Ctx['request'] {
  return { id: '00000000-0000-4000-8000-000000000000', verb, path: parsePath(path), peer: { address: '127.0.0.1', port: 40_000 }, wrapTtl: undefined }
}

interface Found {
  readonly op: Op
  readonly shape: Path['params']
  readonly params: Record<string, string>
}

function find(module: Module, verb: OpVerb, path: string): Found {
  const found = matcher(module)(verb === 'list' || verb === 'scan' ? path.replace(/\/$/, '') : path)
  if (!found) throw new Fault('missing', 'unsupported path')
  const op = found.path.ops[verb]
  if (!op) throw new Fault('unsupported', 'unsupported operation')
  return { op, shape: found.path.params, params: found.params }
}

const MOUNT: Mount = {
  uuid: '6ba7b810-9dad-41d1-80b4-00c04fd430c8',
  accessor: 'bench_1',
  slice: 'bench',
  namespace: '',
  namespaceId: 'root',
  class: 'secret',
  type: 'bench',
  path: 'bench/',
  description: '',
  config: {
    defaultLeaseTtl: 0,
    maxLeaseTtl: 0,
    listingVisibility: '',
    auditNonHmacRequestKeys: [],
    auditNonHmacResponseKeys: [],
    tokenType: 'default-service',
  },
  options: undefined,
  local: false,
}

/** A token for tests that only need somebody to ask. */
export function someToken(more: Partial<Token> = {}): Token {
  return { ...TOKEN, ...more }
}

const TOKEN: Token = {
  type: 'service',
  hash: 'hash-of-ann',
  accessor: 'accessor-of-ann',
  parent: undefined,
  policies: ['default'],
  path: 'auth/userpass/login/ann',
  mountAccessor: 'auth_userpass_1',
  displayName: 'userpass-ann',
  metadata: undefined,
  internal: undefined,
  createdAt: 0,
  lastRenewedAt: 0,
  expiresAt: undefined,
  ttl: 0,
  explicitMaxTtl: 0,
  period: 0,
  numUses: 0,
  renewable: false,
  orphan: false,
  boundCidrs: [],
  entityId: '',
  role: '',
  namespace: '',
}
