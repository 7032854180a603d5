// Batch tokens: an id that is the token itself, sealed. Making one writes nothing, and it can be neither renewed nor revoked.
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'
import { MAX_TOKEN_BYTES, type Token } from '../contract/token.ts'
import { BrokenRecord, openRecord, sealRecord } from '../crypto/aead.ts'
import { deriveKey, type SecretKey } from '../crypto/secret-key.ts'

/** What a batch token says of itself; all else is the same for every one of them. Its order is that of the sealed text. */
const WRITTEN = {
  createdAt: 'c',
  ttl: 't',
  policies: 'p',
  path: 'w',
  displayName: 'n',
  parent: 'u',
  mountAccessor: 'a',
  metadata: 'm',
  boundCidrs: 'b',
  entityId: 'e',
  role: 'r',
  namespace: 's',
} as const

type Said = Pick<Token, keyof typeof WRITTEN>

const NAMES = Object.entries(WRITTEN) as [keyof Said, string][]

/** What isn't written. */
const UNSAID: Said = {
  createdAt: 0,
  ttl: 0,
  policies: [],
  path: '',
  displayName: '',
  parent: undefined,
  mountAccessor: '',
  metadata: undefined,
  boundCidrs: [],
  entityId: '',
  role: '',
  namespace: '',
}

export const BATCH_PREFIX = 'hvb.'

const DAY_MS = 86_400_000

export interface BatchTokens {
  /** `place` says of which namespace it is, and is bound to it. Throws `invalid` for a token that no header could carry. */
  seal(token: Said, place: string): string
  /** Undefined for whatever `seal` didn't make for this place. `hash` goes into the token. */
  open(id: string, place: string, hash: string): Token | undefined
}

export interface BatchDeps {
  /** Gives the keys: one for each day on which tokens are made, so that no key seals too many (NIST SP 800-38D §8.3). */
  readonly secret: SecretKey
  readonly random: Random
}

/** The id is `hvb.` and the base64url text of a sealed record (crypto/aead.ts) whose term is the day; docs/decisions/batch-tokens.md. */
export function openBatchTokens({ secret, random }: BatchDeps): BatchTokens {
  let today = { day: -1, key: secret }

  function keyOf(day: number): SecretKey {
    if (day !== today.day) today = { day, key: deriveKey(secret, `batch token ${day}`) }
    return today.key
  }

  return {
    seal(token, place) {
      const day = Math.floor(token.createdAt / DAY_MS)
      const id = BATCH_PREFIX + sealRecord(keyOf(day), day, encode(token), place, random).toString('base64url')
      if (id.length > MAX_TOKEN_BYTES)
        throw new Fault('invalid', `batch token of ${id.length} bytes is longer than the ${MAX_TOKEN_BYTES} that a request can carry`)
      return id
    },
    open(id, place, hash) {
      const text = id.slice(BATCH_PREFIX.length)
      const record = Buffer.from(text, 'base64url')
      if (!id.startsWith(BATCH_PREFIX) || record.toString('base64url') !== text) return undefined
      const plaintext = tryOpen(keyOf, record, place)
      return plaintext && decode(plaintext, hash)
    },
  }
}

function tryOpen(keyOf: (day: number) => SecretKey, record: Buffer, place: string): Buffer | undefined {
  try {
    return openRecord(keyOf, record, place)
  } catch (error) {
    if (error instanceof BrokenRecord) return undefined
    throw error
  }
}

function encode(token: Said): Buffer {
  const said = NAMES.filter(([name]) => JSON.stringify(token[name]) !== JSON.stringify(UNSAID[name]))
  return Buffer.from(JSON.stringify(Object.fromEntries(said.map(([name, short]) => [short, token[name]]))))
}

function decode(plaintext: Buffer, hash: string): Token {
  const written = JSON.parse(plaintext.toString()) as Record<string, unknown>
  const said = Object.fromEntries(NAMES.flatMap(([name, short]) => (short in written ? [[name, written[short]]] : []))) as Partial<Said>
  const token = { ...UNSAID, ...said }
  return {
    ...token,
    type: 'batch',
    hash,
    accessor: '',
    internal: undefined,
    lastRenewedAt: 0,
    expiresAt: token.createdAt + token.ttl * 1000,
    explicitMaxTtl: 0,
    period: 0,
    numUses: 0,
    renewable: false,
    orphan: token.parent === undefined,
  }
}
