// A process that commits one value after the other and says what became of each. Arguments: folder, how many, bytes each.
import { Fault } from '../../src/base/fault.ts'
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'

const [path = '', count = '0', size = '0'] = process.argv.slice(2)
const store = await openLmdb({
  path,
  timers,
  onUnknown() {
    console.log('unknown')
    process.kill(process.pid, 'SIGKILL')
  },
})

async function commit(word: string, key: string, value: Buffer | undefined): Promise<void> {
  try {
    await store.commit({ ops: [{ key, value }] })
    console.log(`${word} ${key}`)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    console.log(`${error.code} ${key}`)
  }
}

for (let n = 0; n < Number(count); n++) await commit('ack', `${n}`, Buffer.alloc(Number(size), `${n} `))
await commit('removed', '0', undefined)
await store.close()
