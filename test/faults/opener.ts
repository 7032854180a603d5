// A process that opens the store and leaves it again, as often as it is told. Arguments: folder, how often.
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'

const [path = '', count = '1'] = process.argv.slice(2)
for (let n = 0; n < Number(count); n++) {
  const store = await openLmdb({ path, timers, onUnknown: () => process.kill(process.pid, 'SIGKILL') })
  await store.close()
  await new Promise((resolve) => setTimeout(resolve, 2))
}
