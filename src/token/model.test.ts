// The token tree, and wrapped answers, against models that keep everything in an array: whatever is done in whatever order, both agree.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { secretKey } from '../crypto/secret-key.ts'
import { follow } from '../store/follow.ts'
import { memory } from '../store/memory.ts'
import { settableClock, stillTimers } from '../testing/clock.ts'
import { someToken } from '../testing/run-op.ts'
import { openTokenWorld } from '../testing/token-world.ts'
import { tidy } from './tidy.ts'
import { openTokens, type Tokens } from './tokens.ts'

const BOUNDS = { defaultTtl: 100, maxTtl: 200 }

/** A token as the model knows it; `parent` is its place in the array. */
interface Node {
  readonly id: string
  readonly accessor: string
  readonly batch: boolean
  readonly createdAt: number
  readonly ttl: number
  readonly max: number
  parent: number | undefined
  uses: number
  expiresAt: number
  gone: boolean
}

type TreeCommand =
  | { do: 'make'; under: number; orphan: boolean; batch: boolean; ttl: number; max: number; uses: number }
  | { do: 'renew'; at: number; increment: number }
  | { do: 'use' | 'revoke' | 'revokeOrphan'; at: number }
  | { do: 'wait'; seconds: number }
  | { do: 'sweep' }

const at = fc.nat(11)
const treeCommand: fc.Arbitrary<TreeCommand> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('make' as const),
      under: at,
      orphan: fc.boolean(),
      batch: fc.boolean(),
      ttl: fc.constantFrom(10, 50, 100),
      max: fc.constantFrom(0, 60, 150),
      uses: fc.constantFrom(0, 0, 0, 1, 2),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('renew' as const), at, increment: fc.constantFrom(0, 5, 40, 500) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('use' as const, 'revoke' as const, 'revokeOrphan' as const), at }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(1, 9, 30, 70) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
)

class Tree {
  readonly nodes: Node[] = []
  readonly clock = settableClock()
  readonly store = memory({ timers: stillTimers })
  /** Two processes' views of the one store. */
  readonly views: readonly [Tokens, Tokens] = [this.#view(), this.#view()]
  #turn = 0

  #view(): Tokens {
    const own = { store: this.store, follower: follow(this.store), namespaces: { idOf: () => 'root', alive: () => true } }
    const random = { bytes: (size: number) => randomBytes(size) }
    const hashKey = secretKey(Buffer.alloc(32))
    return openTokens({ ...own, clock: this.clock, random, hashKey, mountAlive: () => true, cemetery: async () => {} })
  }

  /** Each command comes by the other process. */
  get tokens(): Tokens {
    return this.views[(this.#turn = 1 - this.#turn) as 0 | 1]
  }

  isLive({ gone, uses, expiresAt, parent }: Node): boolean {
    if (gone || uses < 0 || expiresAt <= this.clock.now()) return false
    return parent === undefined || this.isLive(this.nodes[parent] as Node)
  }

  /** The nth of those that live, if there are any. */
  pick(nth: number, which: (node: Node) => boolean = () => true): Node | undefined {
    const live = this.nodes.filter((node) => this.isLive(node) && which(node))
    return live[nth % Math.max(1, live.length)]
  }

  async run(one: TreeCommand): Promise<void> {
    if (one.do === 'wait') return this.clock.advance(one.seconds * 1000)
    if (one.do === 'sweep') return void (await this.tokens.sweep(100))
    if (one.do === 'make') return this.#make(one)
    const node = this.pick(one.at, ({ batch }) => !batch)
    const token = node && this.tokens.find(node.id)
    if (!node || !token) return
    if (one.do === 'renew') return this.#renew(node, one.increment)
    if (one.do === 'use') return this.#use(node)
    if (one.do === 'revoke') {
      this.#end(node)
      return this.tokens.revoke(token)
    }
    const index = this.nodes.indexOf(node)
    node.gone = true
    for (const child of this.nodes) if (child.parent === index && !child.batch) child.parent = undefined
    return this.tokens.revokeOrphan(token)
  }

  async #make({ under, orphan, batch, ttl, max, uses }: Extract<TreeCommand, { do: 'make' }>): Promise<void> {
    const parent = orphan ? undefined : this.pick(under, (node) => !node.batch && node.uses === 0)
    const life = max === 0 || batch ? ttl : Math.min(ttl, max)
    const numUses = batch ? 0 : uses
    const limits = { ttl: life, explicitMaxTtl: batch ? 0 : max, numUses, renewable: !batch, mountAccessor: '' }
    const hash = parent && this.tokens.find(parent.id)?.hash
    const spec = someToken({ ...limits, type: batch ? 'batch' : 'service', parent: hash, orphan: hash === undefined })
    const { id, token } = await this.tokens.mint(spec)
    const now = this.clock.now()
    this.nodes.push({
      id,
      accessor: token.accessor,
      batch,
      createdAt: now,
      ttl: life,
      max: max === 0 ? BOUNDS.maxTtl : Math.min(max, BOUNDS.maxTtl),
      parent: parent && this.nodes.indexOf(parent),
      uses: numUses,
      expiresAt: now + life * 1000,
      gone: false,
    })
  }

  async #renew(node: Node, increment: number): Promise<void> {
    const token = this.tokens.find(node.id)
    assert.ok(token)
    const now = this.clock.now()
    const left = node.max - (now - node.createdAt) / 1000
    const renewed = this.tokens.renew(token, { ttl: node.ttl, explicitMaxTtl: token.explicitMaxTtl, increment }, BOUNDS)
    if (left <= 0) return assert.rejects(renewed, { code: 'invalid' })
    await renewed
    node.expiresAt = now + Math.min(increment || node.ttl, left) * 1000
  }

  async #use(node: Node): Promise<void> {
    const token = this.tokens.find(node.id)
    if (!token || node.uses === 0) return
    node.uses = node.uses === 1 ? -1 : node.uses - 1
    assert.equal((await this.tokens.use(token))?.numUses, node.uses)
  }

  #end(node: Node): void {
    const index = this.nodes.indexOf(node)
    node.gone = true
    for (const child of this.nodes) if (child.parent === index) this.#end(child)
  }

  compare(): void {
    for (const tokens of this.views) {
      for (const node of this.nodes) {
        const found = tokens.find(node.id)
        assert.equal(found !== undefined, this.isLive(node))
        if (!found) continue
        assert.equal(found.expiresAt, node.expiresAt)
        assert.deepEqual([found.orphan, found.parent === undefined, found.numUses], [node.parent === undefined, node.parent === undefined, node.uses])
        assert.equal(tokens.byAccessor(node.accessor, '')?.hash, node.batch ? undefined : found.hash)
      }
    }
  }

  /** Once all that is due is done, only the living are stored, and all that is stored fits together. */
  async settle(): Promise<void> {
    await this.tokens.sweep(1000)
    const [tokens] = this.views
    const found = await tidy({
      store: this.store,
      namespaceId: 'root',
      living: (hash) => tokens.byHash(hash),
      end: async (token) => assert.equal(token.numUses, -1), // used up, and kept until somebody ends it
      owners: () => [],
      cemetery: async () => {},
      turn: async () => {},
    })
    // Whoever has a parent ends with it, used up or not.
    const alone = ({ parent }: Node) => parent === undefined || this.isLive(this.nodes[parent] as Node)
    const usedUp = this.nodes.filter((node) => !node.gone && node.uses < 0 && node.expiresAt > this.clock.now() && alone(node)).length
    assert.deepEqual(found, { ended: usedUp, added: 0, removed: 0, wiped: 0 })
    assert.equal(
      [...this.store.keys({ prefix: 'ns/root/token/id/' })].length,
      this.nodes.filter((node) => this.isLive(node) && !node.batch).length + usedUp,
    )
  }
}

test('any history of tokens leaves those alive that the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(treeCommand, { maxLength: 40, size: 'max' }), async (commands) => {
      const tree = new Tree()
      for (const one of commands) {
        await tree.run(one)
        tree.compare()
      }
      await tree.settle()
    }),
    { numRuns: 150 },
  )
})

interface Kept {
  readonly token: string
  readonly content: number
  readonly ttl: number
  readonly expiresAt: number
  gone: boolean
}

type WrapCommand =
  | { do: 'wrap'; ttl: number; content: number }
  | { do: 'unwrap' | 'rewrap' | 'read' | 'look' | 'waste' | 'revoke'; at: number; own: boolean; ttl: number | undefined }
  | { do: 'wait'; seconds: number }
  | { do: 'sweep' }

const wrapCommand: fc.Arbitrary<WrapCommand> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wrap' as const), ttl: fc.constantFrom(5, 60), content: fc.nat(99) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('unwrap' as const, 'rewrap' as const, 'read' as const, 'look' as const, 'waste' as const, 'revoke' as const),
      at: fc.nat(5),
      own: fc.boolean(),
      ttl: fc.constantFrom(undefined, 3, 90),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.constantFrom(2, 5, 60) }) },
  { weight: 1, arbitrary: fc.constant({ do: 'sweep' as const }) },
)

class Wraps {
  readonly kept: Kept[] = []
  readonly world: Awaited<ReturnType<typeof openTokenWorld>>

  constructor(world: Wraps['world']) {
    this.world = world
  }

  async run(one: WrapCommand): Promise<void> {
    const { world } = this
    if (one.do === 'wait') return world.clock.advance(one.seconds * 1000)
    if (one.do === 'sweep') return world.kernel.sweep()
    if (one.do === 'wrap') {
      const { wrap_info: info } = await world.ok('write', 'sys/wrapping/wrap', { content: one.content }, { wrapTtl: one.ttl })
      return this.#keep(info, one.content, one.ttl)
    }
    const kept = this.kept[one.at % Math.max(1, this.kept.length)]
    if (kept) await this.#on(kept, one)
  }

  async #on(kept: Kept, { do: what, own, ttl }: Exclude<WrapCommand, { do: 'wrap' | 'wait' | 'sweep' }>): Promise<void> {
    const { world } = this
    const live = this.isLive(kept)
    const asked = own ? { token: kept.token } : {}
    const body = own ? {} : { token: kept.token }
    if (what === 'look') return this.#expect(live, await world.call('write', 'sys/wrapping/lookup', body, asked))
    if (what === 'waste') {
      await world.call('read', 'auth/token/lookup-self', {}, { token: kept.token })
      kept.gone = true
    } else if (what === 'revoke') {
      await world.ok('write', 'auth/token/revoke', { token: kept.token })
      kept.gone = true
    } else if (what === 'rewrap') {
      const said = await world.call('write', 'sys/wrapping/rewrap', { token: kept.token }, { wrapTtl: ttl })
      this.#expect(live, said)
      kept.gone = true
      if (live) this.#keep(said.body.wrap_info, kept.content, Math.min(kept.ttl, ttl ?? kept.ttl))
    } else if (what === 'read') {
      const said = await world.call('read', 'cubbyhole/response', {}, { token: kept.token })
      assert.equal(said.status, live ? 200 : 403)
      if (live) assert.deepEqual(JSON.parse(said.body.data.response).data, { content: kept.content })
      kept.gone = true
    } else {
      const said = await world.call('write', 'sys/wrapping/unwrap', body, asked)
      this.#expect(live, said)
      if (live) assert.deepEqual(said.body.data, { content: kept.content })
      kept.gone = true
    }
  }

  #expect(live: boolean, { status, body }: { status: number; body: any }): void {
    assert.equal(status, live ? 200 : 400)
    if (!live) assert.deepEqual(body.errors, ['wrapping token is not valid or does not exist'])
  }

  #keep(info: any, content: number, ttl: number): void {
    assert.equal(info.ttl, ttl)
    this.kept.push({ token: info.token, content, ttl, expiresAt: this.world.clock.now() + ttl * 1000, gone: false })
  }

  isLive({ gone, expiresAt }: Kept): boolean {
    return !gone && this.world.clock.now() < expiresAt
  }

  /** Once all that is due is done, as many answers are stored as can still be taken. */
  async settle(): Promise<void> {
    await this.world.kernel.sweep()
    const stored = [...this.world.store.keys({ prefix: 'data/' })].filter((key) => key.endsWith('/response')).length
    const tokens = [...this.world.store.keys({ prefix: 'ns/root/token/id/' })].length
    const live = this.kept.filter((kept) => this.isLive(kept)).length
    assert.deepEqual([stored, tokens], [live, live + 1]) // the root token besides
  }
}

test('any history of wrapped answers gives each to one reader, or to none', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wrapCommand, { maxLength: 30, size: 'max' }), async (commands) => {
      const wraps = new Wraps(await openTokenWorld())
      for (const one of commands) await wraps.run(one)
      await wraps.settle()
      await wraps.world.close()
    }),
    { numRuns: 40 },
  )
})
