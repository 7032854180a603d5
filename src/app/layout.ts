// Where the composition keeps what belongs to no single room.

/** Every key of a namespace starts with its id, so that one can be sliced off, moved or erased as a whole. */
export const ROOT_NAMESPACE = 'ns/root/'

/** Within a namespace. */
export const TOKEN_HASH_KEY = 'core/token-hash-key'
export const CLUSTER = 'core/cluster'
