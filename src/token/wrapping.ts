// Response wrapping: an answer kept for whoever comes first with a token made for it alone (Vault, "Response Wrapping").
import { Fault } from '../base/fault.ts'
import type { JsonObject } from '../base/json.ts'
import type { Token, WrapInfo } from '../contract/token.ts'
import { records } from '../store/records.ts'
import type { Key, Store } from '../store/store.ts'
import { transact, type Tx } from '../store/transact.ts'
import { takeUnspent } from './index-keys.ts'
import type { Made, NewToken, Tokens } from './tokens.ts'

export interface WrappingDeps {
  readonly tokens: Pick<Tokens, 'find' | 'mint'>
  /** Behind the barrier, whole. */
  readonly store: Store
  /** Where the answer lies that is wrapped for the token with this hash: its cubbyhole, seen from the whole store. */
  readonly place: (hash: string) => Key
}

/** A whole answer as it is kept. */
export interface Wrapped {
  /** Its JSON text. */
  readonly response: string
  /** The text's data holds status, type and bytes of an answer that was not JSON, or no success. */
  readonly raw?: true
}

/** What is wrapped, and for how many seconds. */
export interface ToWrap {
  readonly content: Wrapped
  readonly ttl: number
  /** The request that asks for it. */
  readonly path: string
  readonly namespace: string
  /** Accessor of the token or secret ID that is inside. */
  readonly wrappedAccessor?: string | undefined
}

export interface Wrapping {
  wrap(what: ToWrap): Promise<WrapInfo>
  /** The live wrapping token with this id, of a namespace or those below, by its path. */
  find(id: string, within: string): Token | undefined
  /** The answer; token and answer go in the commit that reads them, so only one of any number of callers has it. Throws `invalid`. */
  take(token: Token): Promise<Wrapped>
  /** The same under a new token, of the same life or one that is shorter. Throws `invalid`. */
  rewrap(token: Token, path: string, ttl: number | undefined): Promise<WrapInfo>
}

const POLICY = 'response-wrapping'

/** In the cubbyhole of its token, where that may also read it (`cubbyhole/response`). */
const contents = records<Wrapped>('')

export function openWrapping({ tokens, store, place }: WrappingDeps): Wrapping {
  /** `content` runs in the commit that makes the token. */
  function keep(spec: NewToken, content: (tx: Tx) => Wrapped): Promise<Made> {
    return tokens.mint(spec, { also: (tx, token) => contents.put(tx, place(token.hash), content(tx)) })
  }

  function open(tx: Tx, token: Token): Wrapped {
    const found = takeUnspent(tx, token) && contents.get(tx, place(token.hash))
    if (!found) throw notWrapping()
    contents.delete(tx, place(token.hash))
    return found
  }

  return {
    async wrap({ content, ttl, path, namespace, wrappedAccessor }) {
      const made = await keep(spec(path, path, namespace, ttl), () => content)
      return { ...made, creationPath: path, wrappedAccessor }
    },
    find(id, within) {
      const token = tokens.find(id, within)
      return token && isWrapping(token) ? token : undefined
    },
    take: (token) => transact(store, (tx) => open(tx, token)),
    async rewrap(token, path, ttl) {
      const creationPath = creationPathOf(token)
      const made = await keep(spec(path, creationPath, token.namespace, Math.min(token.ttl, ttl ?? token.ttl)), (tx) => open(tx, token))
      return { ...made, creationPath, wrappedAccessor: undefined }
    },
  }
}

/** Whether this token was made to hold an answer: nobody can give one its policy. */
export function isWrapping({ policies }: Pick<Token, 'policies'>): boolean {
  return policies.length === 1 && policies[0] === POLICY
}

/** What a wrapping token says of itself. */
export function describeWrapping(token: Token, time: (ms: number) => string): JsonObject {
  return { creation_path: creationPathOf(token), creation_time: time(token.createdAt), creation_ttl: token.ttl }
}

export function notWrapping(): Fault {
  return new Fault('invalid', 'wrapping token is not valid or does not exist')
}

function creationPathOf(token: Token): string {
  return token.internal?.['creation_path'] ?? token.path
}

function spec(path: string, creationPath: string, namespace: string, ttl: number): NewToken {
  return {
    type: 'service',
    parent: undefined,
    policies: [POLICY],
    path,
    mountAccessor: '',
    displayName: '',
    metadata: undefined,
    internal: creationPath === path ? undefined : { creation_path: creationPath },
    ttl,
    explicitMaxTtl: ttl,
    period: 0,
    numUses: 1,
    renewable: false,
    orphan: true,
    boundCidrs: [],
    entityId: '',
    role: '',
    namespace,
  }
}
