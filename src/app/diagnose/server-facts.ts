// Facts about the running server, by its API and as far as the token in use may ask.
import { isObject, type JsonObject } from '../../base/json.ts'
import type { AskServer } from '../../cli/ports.ts'
import type { ServerFact } from './facts.ts'

/** How many tokens are looked at: beyond it, looking would take too long. */
const MAX_TOKENS = 1_000

/** Undefined where no unsealed server answers. */
export async function serverFact(ask: AskServer, now: () => number): Promise<ServerFact | undefined> {
  const health = await ask('GET', 'sys/health', { anonymous: true })
  if (!health || health['sealed'] !== false) return undefined
  const time = health['server_time_utc']
  const audit = dataOf(await ask('GET', 'sys/audit'))
  return {
    ahead: typeof time === 'number' ? time - Math.floor(now() / 1000) : undefined,
    audit,
    rootTokens: await rootTokens(ask, now),
    auth: dataOf(await ask('GET', 'sys/auth')),
    begun: await begun(ask),
    seals: await seals(ask),
  }
}

async function rootTokens(ask: AskServer, now: () => number): Promise<ServerFact['rootTokens']> {
  const accessors = dataOf(await ask('LIST', 'auth/token/accessors'))?.['keys']
  if (!Array.isArray(accessors) || accessors.length > MAX_TOKENS) return undefined
  const self = dataOf(await ask('GET', 'auth/token/lookup-self'))?.['accessor']
  const found: { accessor: string; ageSeconds: number }[] = []
  for (const accessor of accessors.filter((one): one is string => typeof one === 'string')) {
    const token = dataOf(await ask('POST', 'auth/token/lookup-accessor', { body: { accessor } }))
    if (!token || !Array.isArray(token['policies']) || !token['policies'].includes('root')) continue
    found.push({ accessor: accessor === self ? `${accessor} (this one)` : accessor, ageSeconds: now() / 1000 - Number(token['creation_time']) })
  }
  return found
}

async function begun(ask: AskServer): Promise<string[]> {
  const paths = ['sys/generate-root/attempt', 'sys/rekey/init', 'sys/rekey-recovery-key/init']
  const answers = await Promise.all(paths.map((path) => ask('GET', path, { anonymous: true })))
  return paths.filter((_, at) => answers[at]?.['started'] === true)
}

async function seals(ask: AskServer): Promise<ServerFact['seals']> {
  const answer = await ask('GET', 'sys/seal-backend-status', { anonymous: true })
  const backends = Array.isArray(answer?.['backends']) ? answer['backends'].filter(isObject) : []
  const names = (all: readonly JsonObject[]) => all.map(({ name }) => String(name))
  return {
    names: names(backends),
    away: names(backends.filter(({ healthy }) => healthy !== true)),
    fullyWrapped: answer?.['fully_wrapped'] === true,
  }
}

function dataOf(answer: JsonObject | undefined): JsonObject | undefined {
  return isObject(answer?.['data']) ? answer['data'] : undefined
}
