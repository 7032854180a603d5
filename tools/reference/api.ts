// The API by module, from the OpenAPI document of a server that has everything mounted.
import { recoveryModule } from '../../src/app/recovery.ts'
import { silent } from '../../src/base/log.ts'
import { openApi } from '../../src/derive/openapi.ts'
import { memory } from '../../src/store/memory.ts'
import { settableClock, stillTimers } from '../../src/testing/clock.ts'
import { openWorld } from '../../src/testing/world.ts'
import { code, shown, table } from './markdown.ts'

interface Schema {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
}

interface Parameter {
  readonly name: string
  readonly in: string
  readonly description?: string
  readonly required?: boolean
  readonly schema: Schema
}

interface Operation {
  readonly summary: string
  readonly security?: readonly unknown[]
  readonly 'x-vault-sudo'?: boolean
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

type Item = { readonly description: string; readonly parameters?: readonly Parameter[] } & Readonly<Record<string, Operation>>

const METHODS = ['get', 'list', 'post', 'patch', 'delete'] as const

/** A page for each mount; where it is mounted in the world, and what its page is called. */
export async function apiPages(): Promise<Record<string, string>> {
  const world = await openWorld()
  try {
    const mounts = await mountAll(world)
    const { paths } = await world.ok('read', 'sys/internal/specs/openapi')
    const pages = mounts.map(({ at, title }) => [`api/${title.replaceAll(' ', '-')}.md`, page(at, title, paths)] as const)
    return { ...Object.fromEntries(pages), 'api/recovery.md': recoveryPage() }
  } finally {
    await world.close()
  }
}

/** What a server in recovery mode serves; nothing of it runs here. */
function recoveryPage(): string {
  const never = async (): Promise<never> => {
    throw new Error('this is read, not run')
  }
  const status = { seal: { status: never }, clock: settableClock(), storageType: '', cluster: () => undefined, audit: () => undefined }
  const module = recoveryModule({ status, makeToken: never, raw: { store: memory({ timers: stillTimers }), log: silent } })
  const { paths } = openApi([{ at: 'sys/', module }], '') as unknown as { readonly paths: Readonly<Record<string, Item>> }
  return page('sys/', 'recovery', paths).replace('`/v1/`.', '`/v1/`, and served in [recovery mode](../../guide/recovery.md).')
}

interface Mounted {
  readonly at: string
  readonly title: string
}

async function mountAll(world: Awaited<ReturnType<typeof openWorld>>): Promise<Mounted[]> {
  const { auth = [], secret = [] } = (await world.ok('read', 'sys/plugins/catalog')).data as Record<string, string[]>
  for (const type of auth) await world.ok('write', `sys/auth/${type}`, { type })
  const engines = secret.flatMap((type) =>
    type === 'kv'
      ? [
          { type, title: 'kv 1', version: '1' },
          { type, title: 'kv 2', version: '2' },
        ]
      : [{ type, title: type }],
  )
  const mounted: Mounted[] = []
  for (const { type, title, ...options } of engines) {
    const at = title.replaceAll(' ', '-')
    await world.ok('write', `sys/mounts/${at}`, { type, ...(Object.keys(options).length > 0 ? { options } : {}) })
    mounted.push({ at: `${at}/`, title })
  }
  return [
    { at: 'sys/', title: 'sys' },
    { at: 'auth/token/', title: 'token' },
    { at: 'cubbyhole/', title: 'cubbyhole' },
    // A method may have the name of an engine.
    ...auth.map((type) => ({ at: `auth/${type}/`, title: secret.includes(type) ? `auth ${type}` : type })),
    ...mounted,
  ]
}

function page(at: string, title: string, paths: Readonly<Record<string, Item>>): string {
  const own = Object.entries(paths).filter(([path]) => path.startsWith(`/${at}`))
  const where = at === 'sys/' || at === 'auth/token/' || at === 'cubbyhole/' ? '' : ` Where it is mounted elsewhere, its paths begin there.`
  return [`# ${title}`, `Every path is below ${code('/v1/')}.${where}`, ...own.map(([path, item]) => pathSection(path, item))].join('\n\n')
}

function pathSection(path: string, item: Item): string {
  const captured = (item.parameters ?? []).map((one) => row(one.name, one.schema, one.description, 'in the path'))
  const operations = METHODS.flatMap((method) => (item[method] ? [operation(method, item[method] as Operation)] : []))
  const parameters =
    captured.length > 0
      ? [
          table(
            ['in the path', 'kind', 'what it is', 'default'],
            captured.map(([name, kind, doc]) => [name, kind, doc, '']),
          ),
        ]
      : []
  return [`## ${path}`, item.description, ...parameters, ...operations].join('\n\n')
}

function operation(method: string, { summary, security, parameters = [], requestBody, ...more }: Operation): string {
  const access = security ? ' Needs no token.' : more['x-vault-sudo'] ? ' Needs sudo.' : ''
  const [body] = Object.values(requestBody?.content ?? {})
  const fields = [
    ...parameters.filter(({ name }) => name !== 'list').map((one) => row(one.name, one.schema, one.description, one.required ? 'needed' : '')),
    ...Object.entries(body?.schema.properties ?? {}).map(([name, schema]) =>
      row(name, schema, schema.description, body?.schema.required?.includes(name) ? 'needed' : ''),
    ),
  ]
  const lists = parameters.some(({ name }) => name === 'list')
  const verb = lists ? (parameters.find(({ name }) => name === 'list')?.required ? 'LIST' : `${method.toUpperCase()}, LIST`) : method.toUpperCase()
  const shownFields = fields.length > 0 ? `\n\n${table(['parameter', 'kind', 'what it is', 'default'], fields)}` : ''
  return `**${verb}** ${summary}${access}${shownFields}`
}

type Row = readonly [name: string, kind: string, doc: string, fallback: string]

function row(name: string, { type = 'any', format, enum: choices, default: fallback }: Schema, doc = '', need = ''): Row {
  const kind = format ?? (choices ? choices.filter(Boolean).map(code).join(', ') : type)
  return [code(name), kind, doc, need === 'needed' ? 'needed' : shown(fallback)]
}
