// Every stanza of a server's configuration, for the reference.
import type { Shape } from '../../base/fields.ts'
import { AUDIT } from './audit.ts'
import { TOP } from './config.ts'
import { LISTENER } from './listener.ts'
import type { Stanza } from './stanza.ts'
import { USER_LOCKOUT } from './user-lockout.ts'
import { LMDB } from './storage.ts'

export interface StanzaDoc {
  readonly title: string
  readonly doc: string
  readonly table: Stanza<Shape, string>
}

export const STANZAS: readonly StanzaDoc[] = [
  { title: 'At the top', doc: 'Keys that stand in no stanza.', table: TOP },
  { title: 'storage "lmdb"', doc: 'Where what is stored lies. Needed, once.', table: LMDB },
  { title: 'audit "TYPE" "PATH"', doc: 'An audit device; as many as are wanted.', table: AUDIT },
  { title: 'user_lockout "TYPE"', doc: 'When wrong guesses lock a name; for logins of one type, or of "all".', table: USER_LOCKOUT },
  { title: 'listener "tcp"', doc: 'Where to listen. Needed, once or more.', table: LISTENER },
]
