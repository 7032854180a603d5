// KV version 1: each secret as it is.
import { dataAt, each, type Importing, put } from './importing.ts'
import { walk } from './walk.ts'

export async function importKv1(importing: Importing, mount: string): Promise<void> {
  const { source, target, report } = importing
  await each(await walk(source, mount), async (name) => {
    const path = mount + name
    await report.step('secret', path, async () => {
      const data = await dataAt(source, path)
      if (!data) return 'same' // gone since it was listed
      if (JSON.stringify(await dataAt(target, path)) === JSON.stringify(data)) return 'same'
      await put(importing, path, data)
      return 'carried'
    })
  })
}
