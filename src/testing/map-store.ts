// The memory store with nothing to set up.
import { memory } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { stillTimers } from './clock.ts'

export function mapStore(): Store {
  return memory({ timers: stillTimers })
}
