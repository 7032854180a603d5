// A PKCS#11 library (OASIS PKCS#11 2.40) called through its function list: no more of it than encrypting and decrypting with a found key.
import koffi from 'koffi'
import { wipeable, wipeableCopy } from '../../crypto/wipeable.ts'
import { openTurns, type Turns } from '../turns.ts'

/** Where the functions stand in CK_FUNCTION_LIST, after its version. */
const FUNCTIONS = {
  C_Initialize: 0,
  C_Finalize: 1,
  C_GetSlotList: 4,
  C_GetTokenInfo: 6,
  C_OpenSession: 12,
  C_CloseSession: 13,
  C_Login: 18,
  C_FindObjectsInit: 26,
  C_FindObjects: 27,
  C_FindObjectsFinal: 28,
  C_EncryptInit: 29,
  C_Encrypt: 30,
  C_DecryptInit: 33,
  C_Decrypt: 34,
} as const

type Name = keyof typeof FUNCTIONS

/** Parameter types: u for CK_ULONG, p for a pointer. */
const PARAMETERS: Readonly<Record<Name, string>> = {
  C_Initialize: 'p',
  C_Finalize: 'p',
  C_GetSlotList: 'upp',
  C_GetTokenInfo: 'up',
  C_OpenSession: 'uuppp',
  C_CloseSession: 'u',
  C_Login: 'uupu',
  C_FindObjectsInit: 'upu',
  C_FindObjects: 'upup',
  C_FindObjectsFinal: 'u',
  C_EncryptInit: 'upu',
  C_Encrypt: 'upupp',
  C_DecryptInit: 'upu',
  C_Decrypt: 'upupp',
}

const OK = 0
const BUFFER = 1 << 13

/** Return values that say something to an operator. */
const PROBLEMS: Readonly<Record<number, string>> = {
  0x03: 'the slot does not exist',
  0x30: 'device error',
  0x32: 'the device was removed',
  0x40: 'the encrypted data is not what this key made',
  0x41: 'the encrypted data is not what this key made',
  0x63: 'the key is not for this mechanism',
  0x68: 'the key may not be used for this',
  0x70: 'the mechanism is not offered',
  0x71: 'the mechanism is not offered with these parameters',
  0xa0: 'the PIN is wrong',
  0xa4: 'the PIN is locked',
  0xe0: 'no token is in the slot',
}
const ALREADY_LOGGED_IN = 0x100
const ALREADY_INITIALIZED = 0x191

export class Pkcs11Error extends Error {
  constructor(name: string, code: number) {
    super(`${name}: ${PROBLEMS[code] ?? `error 0x${code.toString(16)}`}`)
    this.name = 'Pkcs11Error'
  }
}

type Argument = number | bigint | Buffer | null

/** What a call gets a pointer to must neither move nor go until it is over: these are outside V8's heap, and kept by the library. */
export interface Mechanism {
  /** CK_MECHANISM. */
  readonly bytes: Buffer
  /** What it points to. */
  readonly kept: readonly Buffer[]
}

/** Numbers as CK_ULONG, one behind the other. */
export function ulong(...values: (number | bigint)[]): Buffer {
  const bytes = wipeable(8 * values.length)
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index)
  return bytes
}

/** The address of a buffer, for structures that hold pointers. */
export const addressOf = (bytes: Buffer): bigint => koffi.address(bytes)

/** A library has one state for the whole process; and it must never be unloaded while it may be called. */
const opened = new Map<string, Pkcs11Library>()

/** Throws where the file is no such library. */
export function openPkcs11(path: string): Pkcs11Library {
  const library = opened.get(path) ?? new Pkcs11Library(path)
  opened.set(path, library)
  return library
}

/** Calls run outside the event loop, since a device may take its time. */
export class Pkcs11Library {
  /** For whole operations, so that none is under way where another makes the library start anew. */
  readonly inTurn: Turns = openTurns()
  readonly #handle: ReturnType<typeof koffi.load>
  readonly #kept = new Set<unknown>()
  readonly #functions: Readonly<Record<Name, { async: (...args: unknown[]) => void }>>

  constructor(path: string) {
    const table = [null] as unknown[]
    this.#handle = koffi.load(path)
    const list = this.#handle.func('C_GetFunctionList', 'ulong', [koffi.out(koffi.pointer('void *'))])
    if (list(table) !== OK) throw new Error(`${path} has no function list`)
    const pick = (name: Name) => {
      const types = Array.from(PARAMETERS[name], (one) => (one === 'u' ? 'ulong' : 'void *'))
      const proto = koffi.proto('ulong', types)
      this.#kept.add(proto) // and the library's handle: what koffi frees when it is collected must outlive the functions
      return koffi.decode(koffi.decode(table[0], 8 + 8 * FUNCTIONS[name], 'void *'), proto)
    }
    this.#functions = Object.fromEntries(Object.keys(FUNCTIONS).map((name) => [name, pick(name as Name)])) as never
  }

  async initialize(): Promise<void> {
    const OS_LOCKING_OK = 2
    await this.#call('C_Initialize', [ulong(0, 0, 0, 0, OS_LOCKING_OK, 0)], [ALREADY_INITIALIZED])
  }

  async finalize(): Promise<void> {
    await this.#call('C_Finalize', [null])
  }

  /** Slots that have a token. */
  async slots(): Promise<bigint[]> {
    const count = ulong(0)
    await this.#call('C_GetSlotList', [1, null, count])
    const list = wipeable(8 * Number(count.readBigUInt64LE()))
    await this.#call('C_GetSlotList', [1, list, count])
    return Array.from({ length: Number(count.readBigUInt64LE()) }, (_, index) => list.readBigUInt64LE(8 * index))
  }

  async tokenLabel(slot: bigint): Promise<string> {
    const info = wipeable(256)
    await this.#call('C_GetTokenInfo', [slot, info])
    return info.subarray(0, 32).toString().trimEnd()
  }

  /** Runs with a session that is logged in, and closes it. */
  async session<T>(slot: bigint, pin: string, run: (session: bigint) => Promise<T>): Promise<T> {
    const handle = ulong(0)
    const SERIAL_SESSION = 4
    await this.#call('C_OpenSession', [slot, SERIAL_SESSION, null, null, handle])
    const session = handle.readBigUInt64LE()
    try {
      const secret = wipeableCopy(Buffer.from(pin))
      const USER = 1
      await this.#call('C_Login', [session, USER, secret, secret.length], [ALREADY_LOGGED_IN]).finally(() => secret.fill(0))
      return await run(session)
    } finally {
      await this.#call('C_CloseSession', [session]).catch(() => {})
    }
  }

  /** Handles of the objects with these attributes, at most two. */
  async find(session: bigint, attributes: readonly (readonly [type: number, value: Buffer])[]): Promise<bigint[]> {
    const values = attributes.map(([type, value]) => [type, wipeableCopy(value)] as const)
    const template = ulong(...values.flatMap(([type, value]) => [type, addressOf(value), value.length]))
    await this.#keeping(values, () => this.#call('C_FindObjectsInit', [session, template, values.length]))
    const found = ulong(0, 0)
    const count = ulong(0)
    await this.#call('C_FindObjects', [session, found, 2, count])
    await this.#call('C_FindObjectsFinal', [session])
    return Array.from({ length: Number(count.readBigUInt64LE()) }, (_, index) => found.readBigUInt64LE(8 * index))
  }

  encrypt(session: bigint, mechanism: Mechanism, key: bigint, input: Buffer): Promise<Buffer> {
    return this.#crypt('C_EncryptInit', 'C_Encrypt', session, mechanism, key, input)
  }

  /** The caller wipes what it gets. */
  decrypt(session: bigint, mechanism: Mechanism, key: bigint, input: Buffer): Promise<Buffer> {
    return this.#crypt('C_DecryptInit', 'C_Decrypt', session, mechanism, key, input)
  }

  async #crypt(init: Name, run: Name, session: bigint, mechanism: Mechanism, key: bigint, input: Buffer): Promise<Buffer> {
    const output = wipeable(BUFFER)
    const length = ulong(output.length)
    await this.#keeping(mechanism, async () => {
      await this.#call(init, [session, mechanism.bytes, key])
      await this.#call(run, [session, input, input.length, output, length])
    })
    return output.subarray(0, Number(length.readBigUInt64LE()))
  }

  async #keeping(what: unknown, run: () => Promise<void>): Promise<void> {
    this.#kept.add(what)
    try {
      await run()
    } finally {
      this.#kept.delete(what)
    }
  }

  #call(name: Name, args: readonly Argument[], fine: readonly number[] = []): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#kept.add(args)
      this.#functions[name].async(...args, (error: Error | null, result: unknown) => {
        this.#kept.delete(args)
        const code = Number(result)
        if (error) reject(error)
        else if (code === OK || fine.includes(code)) resolve()
        else reject(new Pkcs11Error(name, code))
      })
    })
  }
}
