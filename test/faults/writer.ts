// A process that commits numbered records, some at a time, and says which are durable. Arguments: folder, name, how many.
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'
import { record } from './record.ts'

const [path = '', name = '', count = 'Infinity'] = process.argv.slice(2)
const IN_FLIGHT = 6

const store = await openLmdb({
  path,
  timers,
  onUnknown(reason) {
    console.log(`unknown ${reason}`)
    process.kill(process.pid, 'SIGKILL')
  },
})
console.log('ready')

let next = 0
async function work(): Promise<void> {
  while (next < Number(count)) {
    const n = next++
    console.log(`ack ${n} ${await store.commit(record(name, n))}`)
  }
}
await Promise.all(Array.from({ length: IN_FLIGHT }, work))
await store.close()
