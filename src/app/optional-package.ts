// Packages that are installed where they are wanted, and loaded when they are needed.
import { Fault } from '../base/fault.ts'

/** What `load` imports. Throws `unavailable` where the package is not there. */
export async function loadOptional<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new Fault('unavailable', `the package ${name} is not installed; it is one of the optional ones`)
  }
}
