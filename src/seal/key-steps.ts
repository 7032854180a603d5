// Rekeying and making root tokens as their endpoints speak of them: bodies in, JSON out.
import { bool, int, list, maybe, or, parseShape, text } from '../base/fields.ts'
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Generation } from './generate-root.ts'
import type { Rekey, Rekeyed, VerifyStatus } from './rekey.ts'
import { parseShareBody, printShares } from './share-codec.ts'

/** One request. */
export interface KeyStep<Action extends string> {
  readonly action: Action
  /** A policy lets the caller do this; anybody else has to show a key share. */
  readonly granted: boolean
  /** JSON; a key share in it is blanked. */
  readonly body: Buffer
}

export type RekeyAction = 'status' | 'init' | 'update' | 'cancel' | 'verify-status' | 'verify' | 'verify-restart'
export type GenerateRootAction = 'status' | 'init' | 'update' | 'cancel'

interface Given {
  readonly granted: boolean
  readonly key: Buffer | undefined
  readonly members: JsonObject
}

type Handlers<Of, Action extends string> = Readonly<Record<Action, (of: Of, given: Given) => Promise<Buffer | undefined>>>

const rekeyInput = {
  secret_shares: or(int('How many key shares to make.'), 0),
  secret_threshold: or(int('How many of them are needed.'), 0),
  require_verification: or(bool('The new shares count only once they were shown to fit.'), false),
  pgp_keys: or(list('A PGP public key in base64 for each share, which is encrypted with it.'), []),
  backup: or(bool('Keep the encrypted shares, until they are deleted.'), false),
  recovery_unseal: maybe(bool('Of recovery keys: whether they shall unseal too, where no seal is left that does.')),
}

const rootInput = {
  otp: or(text('One-time password; the server makes one otherwise.'), ''),
  pgp_key: or(text('A PGP public key in base64 with which the token is encrypted.'), ''),
}

const nonceInput = { nonce: or(text('What the operation was given when it began.'), '') }

export const rekeyFields = rekeyInput
export const rootFields = rootInput

const REKEY: Handlers<Rekey, RekeyAction> = {
  status: async (rekey) => printStatus(rekey),
  async init(rekey, given) {
    authorise(rekey, given)
    const { secret_shares: shares, secret_threshold: threshold, ...more } = parseShape(rekeyInput, given.members)
    const { require_verification: verify, recovery_unseal: recoveryOpens, pgp_keys: pgpKeys, backup } = more
    const rekeyed = await rekey.init({ shares, threshold, verify, recoveryOpens, pgpKeys, backup })
    return rekeyed ? printRekeyed(rekeyed, '') : printStatus(rekey)
  },
  async update(rekey, given) {
    const { nonce } = parseShape(nonceInput, given.members)
    const rekeyed = await rekey.update(nonce, needKey(given))
    return rekeyed ? printRekeyed(rekeyed, nonce) : printStatus(rekey)
  },
  async cancel(rekey, given) {
    authorise(rekey, given)
    await rekey.cancel()
    return undefined
  },
  'verify-status': async (rekey) => printVerify(rekey.verifyStatus()),
  async verify(rekey, given) {
    const { nonce } = parseShape(nonceInput, given.members)
    const complete = await rekey.verify(nonce, needKey(given))
    return complete ? print({ nonce, complete }) : printVerify(rekey.verifyStatus())
  },
  async 'verify-restart'(rekey, given) {
    authorise(rekey, given)
    await rekey.verifyRestart()
    return printVerify(rekey.verifyStatus())
  },
}

const ROOT: Handlers<Generation, GenerateRootAction> = {
  status: async (root) => printRoot(root),
  async init(root, given) {
    authorise(root, given)
    const { otp, pgp_key: pgpKey } = parseShape(rootInput, given.members)
    return printRoot(root, { otp: await root.init(otp, pgpKey) })
  },
  async update(root, given) {
    const { nonce } = parseShape(nonceInput, given.members)
    const { required, fingerprint } = root.status()
    const token = await root.update(nonce, needKey(given))
    if (token === undefined) return printRoot(root, { otp_length: 0 })
    const told = {
      nonce,
      started: true,
      progress: required,
      required,
      complete: true,
      encoded_token: token,
      encoded_root_token: root.makes === 'root' ? token : '',
      pgp_fingerprint: fingerprint,
    }
    return printRoot(root, { ...told, otp_length: 0 })
  },
  async cancel(root, given) {
    authorise(root, given)
    await root.cancel()
    return undefined
  },
}

/** The answer's body, which the caller wipes; undefined for one without. Throws `invalid`, `denied` and `sealed`. */
export function rekeyStep(rekey: Rekey, step: KeyStep<RekeyAction>): Promise<Buffer | undefined> {
  return run(REKEY, rekey, step)
}

export function generateRootStep(root: Generation, step: KeyStep<GenerateRootAction>): Promise<Buffer | undefined> {
  return run(ROOT, root, step)
}

async function run<Of, Action extends string>(handlers: Handlers<Of, Action>, of: Of, { action, granted, body }: KeyStep<Action>) {
  const { key, members } = parseShareBody(body)
  try {
    return await handlers[action](of, { granted, key, members })
  } finally {
    key?.fill(0)
  }
}

/** Starting and cancelling needs a policy or a share: whoever has neither must not be able to disturb. */
function authorise(of: { checkShare?(share: Uint8Array): void }, { granted, key }: Given): void {
  if (granted) return
  if (!key || !of.checkShare)
    throw new Fault('denied', "permission denied: a token whose policies allow this is needed, or one of the key shares as 'key'")
  of.checkShare(key)
}

function needKey({ key }: Given): Buffer {
  if (!key) throw new Fault('invalid', "'key' must be specified in request body as JSON")
  return key
}

function printStatus(rekey: Rekey): Buffer {
  const { begun, progress, required } = rekey.status()
  return print({
    nonce: begun?.nonce ?? '',
    started: begun !== undefined,
    t: begun?.threshold ?? 0,
    n: begun?.shares ?? 0,
    progress,
    required,
    pgp_fingerprints: begun ? listOf(begun.fingerprints) : null,
    backup: begun?.backup ?? false,
    verification_required: begun?.verify ?? false,
    ...(begun?.verificationNonce === undefined ? {} : { verification_nonce: begun.verificationNonce }),
  })
}

/** As Go prints a list that was never made. */
function listOf(texts: readonly string[]): string[] | null {
  return texts.length > 0 ? [...texts] : null
}

/** Wipes the shares. */
function printRekeyed({ shares, verificationNonce, fingerprints, backup }: Rekeyed, nonce: string): Buffer {
  try {
    const verification = verificationNonce === undefined ? {} : { verification_nonce: verificationNonce }
    const told = { nonce, complete: true, pgp_fingerprints: listOf(fingerprints), backup, verification_required: verificationNonce !== undefined }
    return printShares({ keys: shares }, { ...told, ...verification })
  } finally {
    for (const share of shares) share.fill(0)
  }
}

function printVerify({ nonce, started, shares, threshold, progress }: VerifyStatus): Buffer {
  return print({ nonce, started, t: threshold, n: shares, progress })
}

function printRoot(root: Generation, more: JsonObject = {}): Buffer {
  const { nonce, fingerprint, progress, required } = root.status()
  return print({
    nonce: nonce ?? '',
    started: nonce !== undefined,
    progress,
    required,
    complete: false,
    encoded_token: '',
    encoded_root_token: '',
    pgp_fingerprint: fingerprint,
    otp: '',
    otp_length: root.otpLength,
    ...more,
  })
}

function print(body: JsonObject): Buffer {
  return Buffer.from(JSON.stringify(body))
}
