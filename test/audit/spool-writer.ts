// A process that writes numbered records to a remote device that nobody serves, and says which of them it was promised.
import { openSink, record, wayOf } from './rig.ts'

const [at = '', port = ''] = process.argv.slice(2)
const sink = openSink(at, wayOf('socket', { address: `127.0.0.1:${port}` }))
for (let n = 0; ; n++) {
  await sink.write(record(n))
  console.log(n)
}
