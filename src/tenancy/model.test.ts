// Namespaces and mounts against a model that keeps them in maps: whatever is done in whatever order, both answer alike.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { openWorld, type World } from '../testing/world.ts'

/** Paths of namespaces with a slash at the end, '' for the root; of mounts within theirs, and what is written there. */
type Model = Map<string, Map<string, string>>

const NAMES = ['a', 'b'] as const
const name = fc.constantFrom(...NAMES)
/** Where something is asked: the root, one below, one below that. */
const place = fc.array(name, { maxLength: 2 }).map((names) => names.map((one) => `${one}/`).join(''))
const mount = fc.constantFrom('kv/', 'kv/in/', 'a/', 'b/x/')

interface Real {
  readonly world: World
}

type Step = fc.AsyncCommand<Model, Real>

/** What both hold of it: the status, where the model says one. */
async function expectStatus({ world }: Real, expected: number, call: Parameters<World['call']>): Promise<void> {
  const said = await world.call(...call)
  assert.equal(said.status, expected, `${call[0]} ${call[1]} ${JSON.stringify(call[2] ?? {})}: ${JSON.stringify(said.body)}`)
}

/** A mount or namespace that is in the way of a mount. */
function isTaken(model: Model, at: string, path: string): boolean {
  const others = [...(model.get(at) ?? new Map()).keys()]
  const first = path.slice(0, path.indexOf('/') + 1)
  return others.some((other) => other.startsWith(path) || path.startsWith(other)) || model.has(at + first)
}

const childOf = (model: Model, at: string): string[] => [...model.keys()].filter((path) => path !== at && path.startsWith(at))

class MakeNamespace implements Step {
  readonly at: string
  readonly name: string
  constructor(at: string, name: string) {
    this.at = at
    this.name = name
  }
  check(): boolean {
    return true
  }
  async run(model: Model, real: Real): Promise<void> {
    const path = `${this.at}${this.name}/`
    const clash = [...(model.get(this.at) ?? new Map()).keys()].some((other) => other.startsWith(`${this.name}/`))
    const status = !model.has(this.at) ? 404 : model.has(path) ? 200 : clash ? 400 : 200
    await expectStatus(real, status, ['write', `sys/namespaces/${this.name}`, {}, { namespace: this.at.slice(0, -1) }])
    if (status === 200 && !model.has(path)) model.set(path, new Map())
  }
  toString = () => `make ${this.at}${this.name}/`
}

class RemoveNamespace implements Step {
  readonly at: string
  readonly name: string
  constructor(at: string, name: string) {
    this.at = at
    this.name = name
  }
  check(): boolean {
    return true
  }
  async run(model: Model, real: Real): Promise<void> {
    const path = `${this.at}${this.name}/`
    const status = !model.has(this.at) ? 404 : model.has(path) && childOf(model, path).length > 0 ? 400 : 200
    await expectStatus(real, status, ['delete', `sys/namespaces/${this.name}`, {}, { namespace: this.at.slice(0, -1) }])
    await real.world.kernel.sweep()
    if (status === 200) model.delete(path)
  }
  toString = () => `remove ${this.at}${this.name}/`
}

class Mount implements Step {
  readonly at: string
  readonly path: string
  constructor(at: string, path: string) {
    this.at = at
    this.path = path
  }
  check(): boolean {
    return true
  }
  async run(model: Model, real: Real): Promise<void> {
    const status = !model.has(this.at) ? 404 : isTaken(model, this.at, this.path) ? 400 : 204
    await expectStatus(real, status, ['write', `sys/mounts/${this.path.slice(0, -1)}`, { type: 'kv' }, { namespace: this.at.slice(0, -1) }])
    if (status !== 204) return
    const written = `${this.at}|${this.path}`
    await expectStatus(real, 204, ['write', `${this.path}secret`, { written }, { namespace: this.at.slice(0, -1) }])
    model.get(this.at)?.set(this.path, written)
  }
  toString = () => `mount ${this.at} ${this.path}`
}

class Unmount implements Step {
  readonly at: string
  readonly path: string
  constructor(at: string, path: string) {
    this.at = at
    this.path = path
  }
  check(): boolean {
    return true
  }
  async run(model: Model, real: Real): Promise<void> {
    await expectStatus(real, model.has(this.at) ? 204 : 404, [
      'delete',
      `sys/mounts/${this.path.slice(0, -1)}`,
      {},
      { namespace: this.at.slice(0, -1) },
    ])
    model.get(this.at)?.delete(this.path)
  }
  toString = () => `unmount ${this.at} ${this.path}`
}

class Move implements Step {
  readonly from: readonly [string, string]
  readonly to: readonly [string, string]
  constructor(from: readonly [string, string], to: readonly [string, string]) {
    this.from = from
    this.to = to
  }
  check(model: Model): boolean {
    // A path that leads elsewhere than it says is another question.
    return this.#leads(model, this.from) && this.#leads(model, this.to)
  }
  #leads(model: Model, [at, path]: readonly [string, string]): boolean {
    return model.has(at) && !model.has(at + path.slice(0, path.indexOf('/') + 1))
  }
  async run(model: Model, real: Real): Promise<void> {
    const [[fromAt, fromPath], [toAt, toPath]] = [this.from, this.to]
    const written = model.get(fromAt)?.get(fromPath)
    const ok = written !== undefined && !isTaken(model, toAt, toPath)
    await expectStatus(real, ok ? 200 : 400, ['write', 'sys/remount', { from: fromAt + fromPath, to: toAt + toPath }])
    if (!ok || written === undefined) return
    model.get(fromAt)?.delete(fromPath)
    model.get(toAt)?.set(toPath, written)
  }
  toString = () => `move ${this.from.join(' ')} to ${this.to.join(' ')}`
}

/** Everything that the model has is there, with what was written, and nothing else is. */
async function compare(model: Model, { world }: Real): Promise<void> {
  const found = await world.call('scan', 'sys/namespaces')
  const paths = [...model.keys()].filter((path) => path !== '').sort()
  assert.deepEqual(found.body.data.keys ?? [], paths)
  for (const [at, mounts] of model) {
    const namespace = at.slice(0, -1)
    const { data } = await world.ok('read', 'sys/mounts', {}, { namespace })
    assert.deepEqual(
      Object.keys(data).filter((path) => path !== 'sys/' && path !== 'cubbyhole/'),
      [...mounts.keys()].sort(),
    )
    for (const [path, written] of mounts) assert.deepEqual((await world.ok('read', `${path}secret`, {}, { namespace })).data, { written })
  }
}

test('any history of namespaces, mounts and moves leaves what the model says', async () => {
  const spot = fc.tuple(place, mount)
  const commands = [
    fc.tuple(place, name).map(([at, one]) => new MakeNamespace(at, one)),
    fc.tuple(place, name).map(([at, one]) => new MakeNamespace(at, one)),
    fc.tuple(place, name).map(([at, one]) => new RemoveNamespace(at, one)),
    spot.map(([at, path]) => new Mount(at, path)),
    spot.map(([at, path]) => new Mount(at, path)),
    spot.map(([at, path]) => new Unmount(at, path)),
    fc.tuple(spot, spot).map(([from, to]) => new Move(from, to)),
  ]
  await fc.assert(
    fc.asyncProperty(fc.commands<Model, Real, false>(commands, { maxCommands: 30 }), async (steps) => {
      const world = await openWorld()
      const model: Model = new Map([['', new Map()]])
      await fc.asyncModelRun(() => ({ model, real: { world } }), steps)
      await compare(model, { world })
      await world.close()
    }),
    { numRuns: 25 },
  )
})
