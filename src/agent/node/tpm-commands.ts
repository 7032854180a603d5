// Commands of TPM 2.0 (Part 3) by which a node shows where its key lies: each from and to what it means.
import { Fault } from '../../base/fault.ts'
import { TpmReader } from '../../crypto/tpm.ts'
import type { TpmLink } from './ports.ts'

/** TPM_RH: hierarchies, and the handle of none. */
export const HIERARCHY = { owner: 0x40000001, none: 0x40000007, endorsement: 0x4000000b } as const
const PASSWORD_SESSION = 0x40000009
const TAG = { plain: 0x8001, sessions: 0x8002, hashCheck: 0x8024 } as const
const POLICY_SESSION = 1
const SHA256 = 0x0b
const NULL_ALGORITHM = 0x10
const HEADER_BYTES = 10
/** TPM_RC_YIELDED, TESTING and RETRY: it did nothing yet, and wants to be asked again. */
const AGAIN: ReadonlySet<number> = new Set([0x908, 0x90a, 0x922])
const MAX_TRIES = 100
/** More than one answer can hold is read in parts. */
const NV_PART_BYTES = 512

const CODE = {
  activateCredential: 0x147,
  certify: 0x148,
  create: 0x153,
  createPrimary: 0x131,
  flushContext: 0x165,
  load: 0x157,
  nvRead: 0x14e,
  nvReadPublic: 0x169,
  policySecret: 0x151,
  sign: 0x15d,
  startAuthSession: 0x176,
} as const

const u16 = (value: number): Buffer => Buffer.from([value >>> 8, value & 255])
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
/** A TPM2B: bytes after their length. */
const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes])
const NOTHING = sized(Buffer.alloc(0))

/** Who speaks for one handle: by its password, or by a policy that was fulfilled. */
type Authorisation = { readonly password: string } | { readonly policy: number }

function authorisation(by: Authorisation): Buffer {
  const [session, secret] = 'policy' in by ? [by.policy, Buffer.alloc(0)] : [PASSWORD_SESSION, Buffer.from(by.password)]
  return Buffer.concat([u32(session), NOTHING, Buffer.of(0), sized(secret)])
}

/** `publicArea` is TPMT_PUBLIC, here as everywhere. */
export interface TpmCommands {
  /** A key of a hierarchy, made anew from its template: the same each time. */
  createPrimary(hierarchy: number, password: string, template: Buffer): Promise<{ readonly handle: number; readonly publicArea: Buffer }>
  create(parent: number, template: Buffer): Promise<{ readonly privateArea: Buffer; readonly publicArea: Buffer }>
  load(parent: number, privateArea: Buffer, publicArea: Buffer): Promise<number>
  /** TPMT_SIGNATURE of a digest, by the scheme that the key has. */
  sign(key: number, password: string, digest: Buffer): Promise<Buffer>
  /** TPMS_ATTEST of `key`, and TPMT_SIGNATURE of it by `by`. */
  certify(key: number, password: string, by: number): Promise<{ readonly attest: Buffer; readonly signature: Buffer }>
  /** What a credential for the key `activated` holds, opened by the endorsement key. */
  activate(activated: number, endorsement: number, credential: Buffer, secret: Buffer, password: string, nonce: Buffer): Promise<Buffer>
  /** What an index of the TPM's memory holds. */
  readMemory(index: number, password: string): Promise<Buffer>
  flush(handle: number): Promise<void>
}

type Ask = (code: number, handles: readonly number[], by: readonly Authorisation[], ...parameters: Buffer[]) => Promise<TpmReader>

/** One command, until the TPM does it or refuses. Throws `unavailable`. */
function asking(link: TpmLink): Ask {
  return async (code, handles, by, ...parameters) => {
    const auths = Buffer.concat(by.map(authorisation))
    const parts = [...handles.map(u32), ...(by.length > 0 ? [u32(auths.length), auths] : []), ...parameters]
    const size = parts.reduce((sum, part) => sum + part.length, HEADER_BYTES)
    const command = Buffer.concat([u16(by.length > 0 ? TAG.sessions : TAG.plain), u32(size), u32(code), ...parts])
    for (let tries = 1; ; tries++) {
      const answer = new TpmReader(await link.send(command))
      answer.take(6) // tag and size
      const result = answer.uint32()
      if (result === 0) return answer
      if (AGAIN.has(result) && tries < MAX_TRIES) continue
      throw new Fault('unavailable', `the TPM refuses a command (0x${code.toString(16)}) with code 0x${result.toString(16)}`)
    }
  }
}

/** The parameters of an answer, after their length and before the sessions. */
const inside = (answer: TpmReader): TpmReader => new TpmReader(answer.take(answer.uint32()))

/** By the policy of endorsement keys: whoever has the password of their hierarchy. */
async function policySession(ask: Ask, password: string, nonce: Buffer): Promise<number> {
  const none = HIERARCHY.none
  const started = [sized(nonce), NOTHING, Buffer.of(POLICY_SESSION), u16(NULL_ALGORITHM), u16(SHA256)]
  const session = (await ask(CODE.startAuthSession, [none, none], [], ...started)).uint32()
  await ask(CODE.policySecret, [HIERARCHY.endorsement, session], [{ password }], NOTHING, NOTHING, NOTHING, u32(0))
  return session
}

async function readMemory(ask: Ask, index: number, password: string): Promise<Buffer> {
  const described = new TpmReader((await ask(CODE.nvReadPublic, [index], [])).sized())
  described.take(10) // index, hash, attributes
  described.sized() // policy
  const size = described.uint16()
  const parts: Buffer[] = []
  for (let at = 0; at < size; at += NV_PART_BYTES) {
    const part = [u16(Math.min(NV_PART_BYTES, size - at)), u16(at)]
    parts.push(inside(await ask(CODE.nvRead, [HIERARCHY.owner, index], [{ password }], ...part)).sized())
  }
  return Buffer.concat(parts)
}

/** Without password, data, and anything else that would bind it. */
const creation = (template: Buffer): Buffer[] => [sized(Buffer.concat([NOTHING, NOTHING])), sized(template), NOTHING, u32(0)]
const open = { password: '' }

/** Its functions throw `unavailable` for what the TPM refuses. */
export function tpmCommands(link: TpmLink): TpmCommands {
  const ask = asking(link)
  return {
    async createPrimary(hierarchy, password, template) {
      const answer = await ask(CODE.createPrimary, [hierarchy], [{ password }], ...creation(template))
      return { handle: answer.uint32(), publicArea: inside(answer).sized() }
    },
    async create(parent, template) {
      const answer = inside(await ask(CODE.create, [parent], [open], ...creation(template)))
      return { privateArea: answer.sized(), publicArea: answer.sized() }
    },
    load: async (parent, privateArea, publicArea) => (await ask(CODE.load, [parent], [open], sized(privateArea), sized(publicArea))).uint32(),
    async sign(key, password, digest) {
      const ticket = Buffer.concat([u16(TAG.hashCheck), u32(HIERARCHY.none), NOTHING])
      return inside(await ask(CODE.sign, [key], [{ password }], sized(digest), u16(NULL_ALGORITHM), ticket)).rest
    },
    async certify(key, password, by) {
      const answer = inside(await ask(CODE.certify, [key, by], [{ password }, open], NOTHING, u16(NULL_ALGORITHM)))
      return { attest: answer.sized(), signature: answer.rest }
    },
    async activate(activated, endorsement, credential, secret, password, nonce) {
      const policy = await policySession(ask, password, nonce)
      const answer = await ask(CODE.activateCredential, [activated, endorsement], [open, { policy }], sized(credential), sized(secret))
      return inside(answer).sized()
    },
    readMemory: (index, password) => readMemory(ask, index, password),
    async flush(handle) {
      await ask(CODE.flushContext, [], [], u32(handle))
    },
  }
}
