// Rekeying and making root tokens: under Vault's paths for those who hold shares, and under OpenBao's for those with a policy.
import { maybe, secret, text } from '../base/fields.ts'
import type { Ctx, Op, OpVerb, Path } from '../contract/module.ts'
import { path } from '../contract/module.ts'
import { data, empty, type Reply } from '../contract/reply.ts'
import { decodeToken } from '../seal/token-guard.ts'
import { type GenerateRootAction, type KeyStep, type RekeyAction, rekeyFields, rootFields } from '../seal/key-steps.ts'
import type { RekeyTarget } from '../seal/rekey.ts'
import type { ShareBackups } from '../seal/share-backup.ts'
import { Fault } from '../base/fault.ts'
import { enveloped } from './enveloped.ts'

/** Whoever holds the keys of this machine; each step answers a JSON body that is wiped when it was sent, or none. */
export interface KeySteps {
  rekey(target: RekeyTarget, step: KeyStep<RekeyAction>): Promise<Buffer | undefined>
  generateRoot(step: KeyStep<GenerateRootAction>): Promise<Buffer | undefined>
}

type Run<Action extends string> = (ctx: Ctx, step: KeyStep<Action>) => Promise<Buffer | undefined>

type Actions<Action extends string> = Partial<Record<OpVerb, readonly [action: Action, doc: string]>>

/** How the paths of one API answer: as bare JSON to anyone with a share, or in an envelope to those whom a policy lets. */
type Style = 'shares' | 'policy'

const shareFields = {
  key: maybe(secret(text('One key share, as hex or base64.'))),
  nonce: maybe(text('What the operation was given when it began.')),
}
const rekeyInit = { ...rekeyFields, key: shareFields.key }
const rootInit = { ...rootFields, key: shareFields.key }

const ATTEMPT: Actions<RekeyAction> = {
  read: ['status', 'Read how far it is.'],
  write: ['init', 'Begin; needs a policy, or a key share.'],
  delete: ['cancel', 'Give up; needs a policy, or a key share.'],
}
const UPDATE: Actions<RekeyAction> = { write: ['update', 'Give a key share; the last that is needed brings the new ones.'] }
const VERIFY: Actions<RekeyAction> = {
  read: ['verify-status', 'Read how far it is.'],
  write: ['verify', 'Give one of the new shares; with enough of them they take the place of the old.'],
  delete: ['verify-restart', 'Begin the verification anew; needs a policy, or a key share.'],
}

const ROOT_ATTEMPT: Actions<GenerateRootAction> = {
  read: ['status', 'Read how far it is.'],
  write: ['init', 'Begin; needs a policy, or a key share.'],
  delete: ['cancel', 'Give up; needs a policy, or a key share.'],
}
const ROOT_UPDATE: Actions<GenerateRootAction> = { write: ['update', 'Give a key share; the last that is needed brings the token.'] }

const REKEYS: readonly { readonly at: string; readonly target: RekeyTarget; readonly style: Style }[] = [
  { at: 'rekey', target: 'root', style: 'shares' },
  { at: 'rekey-recovery-key', target: 'recovery', style: 'shares' },
  { at: 'rotate/root', target: 'root', style: 'policy' },
  { at: 'rotate/recovery', target: 'recovery', style: 'policy' },
]

const ROOTS: readonly { readonly at: string; readonly style: Style }[] = [
  { at: 'generate-root', style: 'shares' },
  { at: 'generate-root/attempt', style: 'shares' },
  { at: 'generate-root-token/attempt', style: 'policy' },
]

export function rekeyPaths(stepsOf: (ctx: Ctx) => KeySteps, backups: ShareBackups): Path[] {
  const generateRoot: Run<GenerateRootAction> = (ctx, step) => stepsOf(ctx).generateRoot(step)

  return [
    ...REKEYS.flatMap(({ at, target, style }) => {
      const run: Run<RekeyAction> = (ctx, step) => stepsOf(ctx).rekey(target, step)
      return [
        stepPath(`${at}/init`, 'A new key, split into new shares.', ATTEMPT, rekeyInit, style, run),
        stepPath(`${at}/update`, 'The shares that make a rekey happen.', UPDATE, shareFields, style, run),
        stepPath(`${at}/verify`, 'Proof that the new shares arrived.', VERIFY, shareFields, style, run),
      ]
    }),
    ...ROOTS.map(({ at, style }) => stepPath(at, 'A new root token.', ROOT_ATTEMPT, rootInit, style, generateRoot)),
    stepPath('generate-root/update', 'The shares that make a root token.', ROOT_UPDATE, shareFields, 'shares', generateRoot),
    stepPath('generate-root-token/update', 'The shares that make a root token.', ROOT_UPDATE, shareFields, 'policy', generateRoot),
    ...backupPaths(backups),
    path('decode-token', 'What generate-root told, in clear.', {}, (op) => ({
      write: op({
        doc: 'XOR the encoded token with the one-time password.',
        access: 'open',
        input: { encoded_token: secret(text('As generate-root told it.')), otp: secret(text('The one-time password.')) },
        run(_, { encoded_token: encoded, otp }) {
          if (encoded === '' || otp === '') throw new Fault('invalid', "provided 'encoded_token' or 'otp' is empty")
          return data({ token: decodeToken(encoded, otp) })
        },
      }),
    })),
  ]
}

const RECOVERY_ATTEMPT: Actions<GenerateRootAction> = {
  read: ['status', 'Read how far it is.'],
  write: ['init', 'Begin.'],
  delete: ['cancel', 'Give up.'],
}
const RECOVERY_UPDATE: Actions<GenerateRootAction> = { write: ['update', 'Give a key share; the last that is needed brings the token.'] }

/** Of recovery mode, in which nobody has a token yet: anybody may begin, and only shares bring it to an end. */
export function recoveryTokenPaths(make: (step: KeyStep<GenerateRootAction>) => Promise<Buffer | undefined>): Path[] {
  const run: Run<GenerateRootAction> = (_, step) => make({ ...step, granted: true })
  return [
    stepPath('generate-recovery-token/attempt', 'A recovery token.', RECOVERY_ATTEMPT, rootFields, 'shares', run),
    stepPath('generate-recovery-token/update', 'The shares that make a recovery token.', RECOVERY_UPDATE, shareFields, 'shares', run),
  ]
}

function stepPath<Action extends string>(
  at: string,
  doc: string,
  actions: Actions<Action>,
  input: Op['input'],
  style: Style,
  run: Run<Action>,
): Path {
  return path(at, doc, {}, (op) => {
    const ops: Partial<Record<OpVerb, Op>> = {}
    for (const [verb, [action, what]] of Object.entries(actions) as [OpVerb, readonly [Action, string]][]) {
      const access = style === 'policy' ? 'token' : verb === 'read' ? 'open' : 'share'
      const answer = async (ctx: Ctx, body: Buffer) => replyOf(await run(ctx, { action, granted: ctx.caller !== undefined, body }), style, ctx)
      ops[verb] = op({ doc: what, access, bytes: true, input: verb === 'write' ? input : {}, run: (ctx, _, body) => answer(ctx, body) })
    }
    return ops
  })
}

function replyOf(body: Buffer | undefined, style: Style, { request }: Ctx): Reply {
  if (!body) return empty()
  const told = style === 'policy' ? enveloped(body, request.id) : body
  return { kind: 'raw', status: 200, contentType: 'application/json', body: told, wipe: true }
}

const BACKUPS: readonly { readonly at: string; readonly target: RekeyTarget }[] = [
  { at: 'rekey/backup', target: 'root' },
  { at: 'rekey/recovery-key-backup', target: 'recovery' },
  { at: 'rotate/root/backup', target: 'root' },
  { at: 'rotate/recovery/backup', target: 'recovery' },
]

function backupPaths({ read, remove }: ShareBackups): Path[] {
  return BACKUPS.map(({ at, target }) =>
    path(at, 'Shares encrypted for their holders by the last rekey, where they were to be kept.', {}, (op) => ({
      read: op({
        doc: 'Read them.',
        run() {
          const found = read(target)
          if (!found) throw new Fault('invalid', 'no backed-up keys found')
          return data(found, { spread: true })
        },
      }),
      delete: op({
        doc: 'Delete them.',
        async run() {
          await remove(target)
          return empty()
        },
      }),
    })),
  )
}
