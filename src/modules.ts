// The built-in engines and auth methods: to have one more, add a line.
import { NODE_ATTESTORS } from './attest/node/all.ts'
import { approle } from './auth/approle/approle.ts'
import { spiffeAuth } from './auth/spiffe/spiffe.ts'
import type { Trust } from './auth/spiffe/trust.ts'
import { userpass } from './auth/userpass/userpass.ts'
import type { LockoutRuleOf } from './auth/lockout-rule.ts'
import type { Module } from './contract/module.ts'
import type { Mount } from './contract/mount.ts'
import type { Passwords } from './crypto/password.ts'
import { cubbyhole } from './engines/cubbyhole.ts'
import { kvFor } from './engines/kv/kv.ts'
import { spiffeModule } from './spiffe/module.ts'
import type { Loggers } from './spiffe/paths/logger.ts'
import type { NamespaceAt } from './spiffe/paths/namespaces.ts'
import type { Part } from './spiffe/parts.ts'
import type { RoomsOf } from './spiffe/rooms.ts'
import { spiffeView } from './spiffe/view.ts'

/** What decides which module serves a mount. */
export type MountKind = Pick<Mount, 'class' | 'type' | 'options'> & Partial<Pick<Mount, 'namespace'>>

/** Undefined for a type that is not built in. */
export type ModuleOf = (mount: MountKind) => Module | undefined

export interface SpiffeParts {
  readonly roomsOf: RoomsOf
  /** By the id of a namespace; throws where it has none. */
  readonly partOf: (namespaceId: string) => Part
  readonly namespaceAt: NamespaceAt
  readonly loggers: Loggers
}

export interface BuiltInDeps {
  readonly passwords: Passwords
  readonly lockoutRule: LockoutRuleOf
  readonly spiffe: SpiffeParts
  readonly trust: Trust
}

export interface BuiltIns {
  readonly moduleOf: ModuleOf
  /** Class and type of each: `secret/kv`. */
  readonly kinds: readonly string[]
}

export function builtIn({ passwords, lockoutRule, spiffe, trust }: BuiltInDeps): BuiltIns {
  const byType: Readonly<Record<string, (mount: MountKind) => Module>> = {
    'secret/kv': kvFor,
    'secret/cubbyhole': always(cubbyhole),
    'secret/spiffe': spiffeFor(spiffe),
    'auth/approle': always(approle({ lockoutRule })),
    'auth/spiffe': always(spiffeAuth(trust)),
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

/** The trust domain in the root, and a part of it elsewhere. */
function spiffeFor({ roomsOf, partOf, namespaceAt, loggers }: SpiffeParts): (mount: MountKind) => Module {
  const whole = spiffeModule(roomsOf, loggers, NODE_ATTESTORS, namespaceAt)
  const view = spiffeView(roomsOf, partOf)
  return ({ namespace = '' }) => (namespace === '' ? whole : view)
}

function always(module: Module): () => Module {
  return () => module
}
