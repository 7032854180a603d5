// The control of the power-cut test: the same database told never to sync, which must lose what it promised. Argument: folder.
import { open } from 'lmdb'

const [path = ''] = process.argv.slice(2)
const db = open<string, string>({ path, noSubdir: false, noSync: true, encoding: 'string', mapSize: 2 ** 30 })
console.log('ready')
for (let n = 0; ; n++) {
  await db.transaction(() => void db.put(String(n).padStart(8, '0'), 'x'.repeat(400)))
  console.log(`ack ${n} 0`)
}
