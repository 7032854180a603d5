// Password hashes: argon2id on native threads, a few at a time, so that a flood of logins neither piles up nor starves the rest.
import { hash, verify } from '@node-rs/argon2'
import { Fault } from '../base/fault.ts'
import type { Random } from '../base/ports.ts'

/** OWASP's Password Storage Cheat Sheet, first choice for argon2id: 19 MiB, two passes, one lane. */
export const ARGON2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 } as const

/** A hash with these parameters that belongs to nobody: checking it costs what checking a user's costs. */
export const NOBODY = '$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bGl2ZXNoZXJlIQ$FPXCA32OtP85vFbgzryfHuNlPuyVJT2arywHfKdUlZo'

const SALT_BYTES = 16

export interface Passwords {
  /** The PHC text of a new hash. Throws `throttled` when too many wait. */
  hash(password: string): Promise<string>
  /** Whether the password is right. Without a hash it never is, and the answer takes as long. Throws `throttled` when too many wait. */
  verify(hash: string | undefined, password: string): Promise<boolean>
}

export interface PasswordBounds {
  /** Computations at a time; each holds 19 MiB and one native thread. */
  readonly running: number
  readonly waiting: number
}

export function openPasswords(random: Random, bounds: PasswordBounds = { running: 2, waiting: 128 }): Passwords {
  const pass = openGate(bounds)
  return {
    hash: (password) => pass(() => hash(password, { ...ARGON2, salt: random.bytes(SALT_BYTES) })),
    verify: (known, password) => pass(async () => (await verify(known ?? NOBODY, password)) && known !== undefined),
  }
}

type Gate = <T>(work: () => Promise<T>) => Promise<T>

function openGate({ running, waiting }: PasswordBounds): Gate {
  const queue: (() => void)[] = []
  let active = 0
  return async (work) => {
    if (active < running) active++
    else if (queue.length < waiting) await new Promise<void>((enter) => queue.push(enter))
    else throw new Fault('throttled', 'too many passwords are being checked; try again later')
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else active--
    }
  }
}
