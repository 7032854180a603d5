// A process that counts up one number shared with others, by read and compare-and-set. Arguments: folder, how often.
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { transact } from '../../src/store/transact.ts'

const [path = '', times = '0'] = process.argv.slice(2)
const store = await openLmdb({ path, timers, onUnknown: () => process.kill(process.pid, 'SIGKILL') })
for (let n = 0; n < Number(times); n += 2) {
  await Promise.all([1, 2].map(() => transact(store, (tx) => tx.put('count', Buffer.from(`${Number(tx.get('count')?.value ?? 0) + 1}`)))))
}
await store.close()
