// JWT-SVIDs by entry and audience: kept until half their life, and after it for as long as the server gives no better one.
import type { Clock, Random } from '../base/ports.ts'
import type { AgentEntry } from './entry.ts'
import { renewalTime } from './jitter.ts'
import type { GivenJwt } from './server/api.ts'
import { isAway } from './server/link.ts'
import type { Trust } from './trust.ts'
import { type AgentMeter, noMeter } from '../telemetry/agent-metrics.ts'

const KIND = 'JWT-SVID'

export interface JwtSvids {
  /** Throws what the server said where there is no valid one and it gives none. */
  get(entry: AgentEntry, audience: readonly string[]): Promise<GivenJwt>
  /** What is kept for an entry, valid or not. */
  held(entry: AgentEntry): readonly HeldJwt[]
  /** How many are kept. */
  size(): number
  forget(): void
}

export interface HeldJwt {
  /** In order. */
  readonly audience: string[]
  /** Milliseconds. */
  readonly expiresAt: number
  readonly renewAt: number
}

export interface JwtSvidsDeps {
  readonly ask: (entryId: string, audience: readonly string[]) => Promise<GivenJwt>
  readonly trust: () => Trust | undefined
  /** How many are kept. */
  readonly most: number
  readonly clock: Clock
  readonly random: Random
  readonly meter?: Pick<AgentMeter, 'made' | 'notMade'>
}

interface Held extends GivenJwt, HeldJwt {
  readonly entryId: string
}

export function openJwtSvids({ ask, trust, most, clock, random, meter = noMeter }: JwtSvidsDeps): JwtSvids {
  /** The least recently used first. */
  const held = new Map<string, Held>()
  const pending = new Map<string, Promise<GivenJwt>>()

  function valid(key: string): Held | undefined {
    const found = held.get(key)
    if (!found || found.expiresAt <= clock.now() || trust()?.tainted.has(kidOf(found.token))) return undefined
    held.delete(key)
    held.set(key, found)
    return found
  }

  async function request(key: string, { id }: AgentEntry, audience: readonly string[]): Promise<GivenJwt> {
    const given = await ask(id, audience).catch((error: unknown) => {
      meter.notMade(KIND)
      throw error
    })
    meter.made(KIND, held.has(key) ? 'renewal' : 'first')
    held.set(key, { ...given, entryId: id, audience: [...audience], renewAt: renewalTime(clock.now(), given.expiresAt, random) })
    for (const oldest of held.keys()) {
      if (held.size <= most) break
      held.delete(oldest)
    }
    return given
  }

  return {
    async get(entry, audience) {
      const sorted = [...new Set(audience)].sort()
      const key = JSON.stringify([entry.id, entry.revision, entry.createdAt, ...sorted])
      const found = valid(key)
      if (found && found.renewAt > clock.now()) return found
      const asked = pending.get(key) ?? request(key, entry, sorted).finally(() => pending.delete(key))
      pending.set(key, asked)
      try {
        return await asked
      } catch (error) {
        if (found && isAway(error)) return found
        throw error
      }
    },
    held: ({ id }) => [...held.values()].filter(({ entryId }) => entryId === id),
    size: () => held.size,
    forget: () => held.clear(),
  }
}

/** Of a token that the server itself gave. */
function kidOf(token: string): string {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { kid?: string }
  return header.kid ?? ''
}
