// Where a trust domain keeps what it knows: the slice of its mount, with caches that commits of any process invalidate.
import type { Space } from '../store/space.ts'

export interface Place extends Pick<Space, 'store' | 'cache'> {
  /** What `load` made of the key `prefix + id`, for at most `max` ids; made anew after it changed. */
  keyed<T>(prefix: string, load: (id: string) => T | undefined, max: number): (id: string) => T | undefined
}
