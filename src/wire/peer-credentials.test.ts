import assert from 'node:assert/strict'
import { closeSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { peerCredentials, peerPidfd } from './peer-credentials.ts'

describe('credentials of a peer', () => {
  const dir = mkdtempSync(join(tmpdir(), 'signet-peer-'))
  const path = join(dir, 'api.sock')
  const server = createServer()
  let accepted: Socket
  let client: Socket
  before(async () => {
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const other = new Promise<Socket>((resolve) => server.once('connection', resolve))
    client = connect(path)
    accepted = await other
  })
  after(() => {
    client.destroy()
    accepted.destroy()
    server.close()
    rmSync(dir, { recursive: true })
  })

  test('are those of the process that connected', () => {
    assert.deepEqual(peerCredentials(accepted), { pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
  })

  test('come with a handle on the process, where the system has it', () => {
    const fd = peerPidfd(accepted)
    if (fd === undefined) return
    assert.match(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), new RegExp(`^Pid:\\s+${process.pid}$`, 'm'))
    closeSync(fd)
  })

  test('are not made up for a socket that is closed', async () => {
    const gone = connect(path)
    await new Promise((resolve) => gone.once('connect', resolve))
    gone.destroy()
    assert.throws(() => peerCredentials(gone), /could not be read/)
    assert.equal(peerPidfd(gone), undefined)
  })
})
