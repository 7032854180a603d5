// Policies, text by text; `default` too, which may have been edited.
import { dataAt, each, type Importing, names, put } from './importing.ts'

/** Those that cannot be written. */
const BUILT_IN = ['root', 'response-wrapping']

export async function importPolicies(importing: Importing): Promise<void> {
  const { source, target, report } = importing
  const all = (await names(source, 'sys/policies/acl')).filter((name) => !BUILT_IN.includes(name))
  await each(all, async (name) => {
    await report.step('policy', name, async () => {
      const path = `sys/policies/acl/${name}`
      const policy = (await dataAt(source, path))?.['policy'] ?? ''
      if ((await dataAt(target, path))?.['policy'] === policy) return 'same'
      await put(importing, path, { policy })
      return 'carried'
    })
  })
}
