// Where a trust domain keeps what it knows: the slice of its mount, with caches that commits of any process invalidate.
import type { Follower } from '../store/follow.ts'
import type { Space } from '../store/space.ts'

/** `keyed` is as a follower's, within the slice. */
export type Place = Pick<Space, 'store' | 'cache'> & Pick<Follower, 'keyed'>
