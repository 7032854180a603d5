// Where the keys lie at rest: at `core/seal/` outside the barrier, at `core/barrier/` behind it.

export const CONFIG = 'core/seal/config'
/** The root key under the shared key. */
export const ROOT_KEY = 'core/seal/root'
/** Under the root key. */
export const KEYRING = 'core/seal/keyring'
export const KEPT_ROOT_KEY = 'core/barrier/root-key'
/** What was split into shares. */
export const KEPT_SHARED_KEY = 'core/barrier/shared-key'
/** Marks of the shares. */
export const SHARES = 'core/barrier/shares'
/** The shares before the last change, while they are still good. */
export const BEFORE = 'core/seal/before'
export const KEPT_BEFORE = 'core/barrier/before'
export const KEPT_BEFORE_KEY = 'core/barrier/before-key'

export const KEY_RECORDS = [CONFIG, ROOT_KEY, KEYRING, KEPT_ROOT_KEY, KEPT_SHARED_KEY, SHARES] as const
export const BEFORE_RECORDS = [BEFORE, KEPT_BEFORE, KEPT_BEFORE_KEY] as const
