// Removes keys from a store on disk: its path, then the keys.
import { timers } from '../../src/app/ports.ts'
import { openLmdb } from '../../src/store/lmdb.ts'

const [path = '', ...keys] = process.argv.slice(2)
const store = await openLmdb({ path, timers, onUnknown: () => process.abort() })
await store.commit({ ops: keys.map((key) => ({ key, value: undefined })) })
await store.close()
