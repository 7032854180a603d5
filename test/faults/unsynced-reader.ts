// How much of the control is left after the cut; it may well crash on what it finds. Argument: folder.
import { open } from 'lmdb'

const [path = ''] = process.argv.slice(2)
const db = open<string, string>({ path, noSubdir: false, encoding: 'string', mapSize: 2 ** 30 })
console.log(`kept ${[...db.getKeys()].length}`)
await db.close()
