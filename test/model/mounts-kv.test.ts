// Mounts and the secrets in them against a model of maps: two processes over one store answer, in whatever order, as one would.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { memory } from '../../src/store/memory.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { openWorld, type World } from '../../src/testing/world.ts'

type Data = Record<string, string>

interface ModelSecret {
  /** By version; a deleted one is undefined. */
  readonly versions: Map<number, Data | undefined>
  current: number
}

interface ModelMount {
  version: 1 | 2
  readonly secrets: Map<string, ModelSecret>
}

interface Model {
  readonly mounts: Map<string, ModelMount>
  sealed: boolean
}

/** The processes take turns, so that each has to notice what the other did. */
interface Real {
  readonly worlds: readonly [World, World]
  call(...asked: Parameters<World['call']>): ReturnType<World['call']>
}

async function openReal(): Promise<Real> {
  const store = memory({ timers: stillTimers })
  const first = await openWorld({ store })
  const second = await openWorld({ store, blank: true })
  await second.sealer.unseal(Buffer.from(first.share))
  const worlds = [first, second] as const
  let turn = 0
  return {
    worlds,
    call: (verb, path, data) => (worlds[turn++ % 2] as World).call(verb, path, data, { token: first.rootToken }),
  }
}

type Command = fc.AsyncCommand<Model, Real>

function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name }
}

const PATHS = ['a', 'b', 'a/c', 'sys', 'auth']
const NAMES = ['x', 'x/y', 'x/y/z', '__proto__']

interface Place {
  readonly mount: ModelMount | undefined
  /** Within the mount. */
  readonly rest: string
  /** The path to ask, where version 2 has folders for each purpose. */
  at(purpose: 'data' | 'metadata'): string
}

/** Where a request goes: to the mount with the longest path, whichever was meant. */
function place({ mounts }: Model, path: string, name: string): Place {
  const whole = `${path}/${name}`
  const [at, mount] = [...mounts].filter(([one]) => whole.startsWith(`${one}/`)).sort(([a], [b]) => b.length - a.length)[0] ?? [path, undefined]
  const rest = whole.slice(at.length + 1)
  return { mount, rest, at: (purpose) => (mount?.version === 2 ? `${at}/${purpose}/${rest}` : whole) }
}

const enable = (path: string, version: 1 | 2) =>
  command(`enable ${path} v${version}`, async (model, real) => {
    const { status } = await real.call('write', `sys/mounts/${path}`, { type: 'kv', options: { version: String(version) } })
    const taken = [...model.mounts.keys(), 'sys', 'auth', 'cubbyhole'].some(
      (one) => `${one}/`.startsWith(`${path}/`) || `${path}/`.startsWith(`${one}/`),
    )
    assert.equal(status, model.sealed ? 503 : taken ? 400 : 204)
    if (status === 204) model.mounts.set(path, { version, secrets: new Map() })
  })

const disable = (path: string) =>
  command(`disable ${path}`, async (model, real) => {
    const { status } = await real.call('delete', `sys/mounts/${path}`)
    assert.equal(status, model.sealed ? 503 : path === 'sys' ? 400 : 204)
    if (!model.sealed) model.mounts.delete(path)
  })

const upgrade = (path: string) =>
  command(`upgrade ${path}`, async (model, real) => {
    const { status } = await real.call('write', `sys/mounts/${path}/tune`, { options: { version: '2' } })
    const mount = model.mounts.get(path)
    const builtIn = path === 'sys'
    if (builtIn && !model.sealed) return assert.equal(status, 204)
    assert.equal(status, model.sealed ? 503 : mount ? 204 : 400)
    if (status === 204 && mount) mount.version = 2
  })

const write = (path: string, name: string, data: Data) =>
  command(`write ${path}/${name}`, async (model, real) => {
    const { mount, rest, at } = place(model, path, name)
    const { status, body } = await real.call('write', at('data'), mount?.version === 2 ? { data } : data)
    if (model.sealed || !mount) return assert.equal(status, model.sealed ? 503 : 404)
    if (mount.version === 1 && Object.keys(data).length === 0) return assert.equal(status, 400)
    const secret = mount.secrets.get(rest) ?? { versions: new Map(), current: 0 }
    if (mount.version === 1) mount.secrets.set(rest, { versions: new Map([[1, data]]), current: 1 })
    else {
      secret.versions.set(++secret.current, data)
      secret.versions.delete(secret.current - 10)
      mount.secrets.set(rest, secret)
    }
    assert.equal(status, mount.version === 2 ? 200 : 204)
    if (mount.version === 2) assert.equal(body.data.version, secret.current)
  })

const remove = (path: string, name: string, whole: boolean) =>
  command(`remove ${path}/${name}${whole ? ' whole' : ''}`, async (model, real) => {
    const { mount, rest, at } = place(model, path, name)
    const { status } = await real.call('delete', at(whole ? 'metadata' : 'data'))
    if (model.sealed || !mount) return assert.equal(status, model.sealed ? 503 : 404)
    assert.equal(status, 204)
    const secret = mount.secrets.get(rest)
    if (mount.version === 1 || whole) mount.secrets.delete(rest)
    else if (secret) secret.versions.set(secret.current, undefined)
  })

const read = (path: string, name: string) =>
  command(`read ${path}/${name}`, async (model, real) => {
    const { mount, rest, at } = place(model, path, name)
    const { status, body } = await real.call('read', at('data'))
    if (model.sealed || !mount) return assert.equal(status, model.sealed ? 503 : 404)
    const secret = mount.secrets.get(rest)
    const data = secret?.versions.get(secret.current)
    assert.equal(status, data ? 200 : 404)
    if (!secret) return assert.deepEqual(body, { errors: [] })
    if (mount.version === 1) return assert.deepEqual(body.data, data)
    assert.equal(body.data.metadata.version, secret.current)
    assert.deepEqual(body.data.data, data ?? null)
  })

const list = (path: string, folder: string) =>
  command(`list ${path}/${folder}`, async (model, real) => {
    const { mount, rest, at } = place(model, path, folder)
    const { status, body } = await real.call('list', at('metadata'))
    if (model.sealed || !mount) return assert.equal(status, model.sealed ? 503 : 404)
    const below = [...mount.secrets.keys()].filter((name) => name.startsWith(rest)).map((name) => name.slice(rest.length))
    const names = [...new Set(below.map((name) => (name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : name)))].sort()
    assert.equal(status, names.length > 0 ? 200 : 404)
    if (names.length > 0) assert.deepEqual(body.data.keys, names)
  })

const table = () =>
  command('mounts', async (model, real) => {
    const { status, body } = await real.call('read', 'sys/mounts')
    if (model.sealed) return assert.equal(status, 503)
    const mounted = Object.entries<any>(body.data).filter(([, { type }]) => type === 'kv')
    const shown = mounted.map(([path, { options }]) => `${path} ${options.version}`)
    assert.deepEqual(shown.sort(), [...model.mounts].map(([path, { version }]) => `${path}/ ${version}`).sort())
  })

/** The keys go from both, as the supervisor makes it; and come back to both. */
const turnKeys = () =>
  command('seal or unseal', async (model, real) => {
    for (const world of real.worlds) {
      if (model.sealed) await world.sealer.unseal(Buffer.from(real.worlds[0].share))
      else {
        world.sealer.seal()
        world.kernel.forget()
      }
    }
    model.sealed = !model.sealed
  })

const path = fc.constantFrom('a', 'b', 'a/c')
const name = fc.constantFrom(...NAMES)
const data = fc.dictionary(fc.constantFrom('k', 'user', 'constructor'), fc.constantFrom('', '1', 'ü'), { noNullPrototype: true })
const COMMANDS = [
  fc.tuple(fc.constantFrom(...PATHS), fc.constantFrom(1 as const, 2 as const)).map(([at, version]) => enable(at, version)),
  fc.constantFrom('a', 'b', 'a/c', 'sys').map(disable),
  fc.constantFrom('a', 'b', 'a/c').map(upgrade),
  ...Array.from({ length: 3 }, () => fc.tuple(path, name, data).map(([at, one, value]) => write(at, one, value))),
  fc.tuple(path, name, fc.boolean()).map(([at, one, whole]) => remove(at, one, whole)),
  ...Array.from({ length: 3 }, () => fc.tuple(path, name).map(([at, one]) => read(at, one))),
  fc.tuple(path, fc.constantFrom('', 'x/', 'x/y/')).map(([at, folder]) => list(at, folder)),
  fc.constant(table()),
  fc.constant(turnKeys()),
]

test('mounts and KV answer as the model says, whichever process is asked', async () => {
  await fc.assert(
    fc.asyncProperty(fc.commands(COMMANDS, { maxCommands: 60, size: 'max' }), async (commands) => {
      const real = await openReal()
      await fc.asyncModelRun(() => ({ model: { mounts: new Map<string, ModelMount>(), sealed: false }, real }), commands)
      for (const world of real.worlds) await world.close()
    }),
    { numRuns: 30 },
  )
})
