// The barrier's keys: what they have sealed, when a new term starts by itself, and starting one now.
import { bool, int, maybe, seconds } from '../base/fields.ts'
import { formatDuration, formatTime } from '../base/duration.ts'
import { type Ctx, type Path, path } from '../contract/module.ts'
import { data, empty } from '../contract/reply.ts'
import type { Rotation } from '../seal/rotation.ts'
import type { ShareBackups } from '../seal/share-backup.ts'
import type { KeySteps } from './rekey.ts'

/** Whoever can change keys. */
export interface KeyHolder extends KeySteps {
  rotate(): Promise<void>
  rotateRoot(): Promise<void>
}

export interface KeyDeps {
  /** Of the keys that a path is about: those of the namespace that it is asked in, or the server's. */
  readonly rotationOf: (ctx: Pick<Ctx, 'mount'>) => Rotation
  readonly holderOf: (ctx: Pick<Ctx, 'mount'>) => KeyHolder
  readonly backups: ShareBackups
}

const settings = {
  enabled: maybe(bool('Whether new terms start by themselves.')),
  max_operations: maybe(int('How many records a term may seal.')),
  interval: maybe(seconds('How long a term may be in use; 0 is without limit.')),
}

export function keyPaths({ rotationOf, holderOf }: Omit<KeyDeps, 'backups'>): Path[] {
  return [
    path('key-status', 'The key that seals.', {}, (op) => ({
      read: op({
        doc: 'Read its term, when that began, and how many records it has sealed.',
        async run(ctx) {
          const { term, createdAt, encryptions } = await rotationOf(ctx).status()
          return data({ term, install_time: formatTime(createdAt), encryptions }, { spread: true })
        },
      }),
    })),
    path('rotate/root', 'The key that wraps all others.', {}, (op) => ({
      write: op({
        doc: 'Replace it; key shares stay as they are.',
        access: 'sudo',
        async run(ctx) {
          await holderOf(ctx).rotateRoot()
          return empty()
        },
      }),
    })),
    ...['rotate', 'rotate/keyring'].flatMap((at) => rotatePaths(at, rotationOf, holderOf)),
  ]
}

function rotatePaths(at: string, rotationOf: KeyDeps['rotationOf'], holderOf: KeyDeps['holderOf']): Path[] {
  return [
    path(at, 'A new key for what is written from now on.', {}, (op) => ({
      write: op({
        doc: 'Start a new term; what older terms sealed stays readable.',
        access: 'sudo',
        async run(ctx) {
          await holderOf(ctx).rotate()
          return empty()
        },
      }),
    })),
    path(`${at}/config`, 'When a new term starts by itself.', {}, (op) => ({
      read: op({
        doc: 'Read the settings.',
        run(ctx) {
          const { enabled, maxOperations, intervalSeconds } = rotationOf(ctx).settings()
          return data({ enabled, max_operations: maxOperations, interval: intervalSeconds === 0 ? 0 : formatDuration(intervalSeconds) })
        },
      }),
      write: op({
        doc: 'Change the settings that are given.',
        input: settings,
        async run(ctx, { enabled, max_operations: maxOperations, interval: intervalSeconds }) {
          await rotationOf(ctx).configure({
            ...(enabled === undefined ? {} : { enabled }),
            ...(maxOperations === undefined ? {} : { maxOperations }),
            ...(intervalSeconds === undefined ? {} : { intervalSeconds }),
          })
          return empty()
        },
      }),
    })),
  ]
}
