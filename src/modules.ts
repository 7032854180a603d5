// The built-in engines and auth methods: to have one more, add a line.
import { NODE_ATTESTORS } from './attest/node/all.ts'
import { approle } from './auth/approle/approle.ts'
import { userpass } from './auth/userpass/userpass.ts'
import type { LockoutRuleOf } from './auth/lockout-rule.ts'
import type { Module } from './contract/module.ts'
import type { Mount } from './contract/mount.ts'
import type { Passwords } from './crypto/password.ts'
import { cubbyhole } from './engines/cubbyhole.ts'
import { kvFor } from './engines/kv/kv.ts'
import { spiffeModule } from './spiffe/module.ts'
import type { Loggers } from './spiffe/paths/logger.ts'
import type { RoomsOf } from './spiffe/rooms.ts'

/** What decides which module serves a mount. */
export type MountKind = Pick<Mount, 'class' | 'type' | 'options'>

/** Undefined for a type that is not built in. */
export type ModuleOf = (mount: MountKind) => Module | undefined

export interface BuiltInDeps {
  readonly passwords: Passwords
  readonly lockoutRule: LockoutRuleOf
  readonly spiffe: RoomsOf
  readonly loggers: Loggers
}

export interface BuiltIns {
  readonly moduleOf: ModuleOf
  /** Class and type of each: `secret/kv`. */
  readonly kinds: readonly string[]
}

export function builtIn({ passwords, lockoutRule, spiffe, loggers }: BuiltInDeps): BuiltIns {
  const byType: Readonly<Record<string, (mount: MountKind) => Module>> = {
    'secret/kv': kvFor,
    'secret/cubbyhole': always(cubbyhole),
    'secret/spiffe': always(spiffeModule(spiffe, loggers, NODE_ATTESTORS)),
    'auth/approle': always(approle({ lockoutRule })),
    'auth/userpass': always(userpass({ passwords, lockoutRule })),
  }
  return {
    kinds: Object.keys(byType),
    moduleOf(mount) {
      const kind = `${mount.class}/${mount.type}`
      return Object.hasOwn(byType, kind) ? byType[kind]?.(mount) : undefined
    },
  }
}

function always(module: Module): () => Module {
  return () => module
}
