import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { unixAttestor } from '../agent/attestors/unix.ts'
import type { Process } from '../agent/processes.ts'
import { openAttest } from '../agent/workload/attest.ts'
import { silent } from '../base/log.ts'
import { until } from '../testing/until.ts'
import { folder } from '../../test/support/server.ts'
import { localAccounts, openProcess, processBehind, processOfPid } from './agent-processes.ts'

describe('processes that connect', () => {
  /** A child that connects to a socket, and then does what it is told. */
  async function connected(t: TestContext): Promise<{ process: Process; child: ReturnType<typeof spawn> }> {
    const path = join(folder(t), 'socket')
    const server = createServer()
    server.listen(path)
    await once(server, 'listening')
    t.after(() => server.close())
    // A shell that holds the connection, becomes another program when told to, and ends when its input does.
    const child = spawn('python3', ['-c', CLIENT, path], { stdio: ['pipe', 'ignore', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const [socket] = (await once(server, 'connection')) as [Socket]
    t.after(() => socket.destroy())
    const process = processBehind(socket)
    t.after(() => process.close())
    return { process, child }
  }

  const CLIENT = `
import os, socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); s.set_inheritable(True)
word = sys.stdin.readline().strip()
if word == 'exec': os.execvp('sleep', ['sleep', '1000'])`

  test('are known by what the system says of them', async (t) => {
    const { process: found, child } = await connected(t)
    assert.deepEqual([found.pid, found.uid, found.gid], [child.pid, process.getuid?.(), process.getgid?.()])
    assert.equal(found.isAlive(), true)
    const attest = openAttest([unixAttestor(localAccounts(), { programs: true, mostBytes: Number.MAX_SAFE_INTEGER })], silent)
    const selectors = await attest(found)
    const program = realpathSync(`/proc/${child.pid}/exe`)
    assert.ok(selectors.has(`unix:uid:${process.getuid?.()}`))
    assert.ok(selectors.has(`unix:path:${program}`))
    assert.ok(selectors.has(`unix:sha256:${createHash('sha256').update(readFileSync(program)).digest('hex')}`))
  })

  test('one that replaced its program is seen to have', async (t) => {
    const { process, child } = await connected(t)
    const before = process.image()
    child.stdin?.write('exec\n')
    await until('it has', () => process.image() !== before)
    assert.equal(process.isAlive(), true)
    assert.match(process.programPath(), /sleep|coreutils/)
  })

  test('one that has ended is seen to have, and is not attested', async (t) => {
    const { process, child } = await connected(t)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(process.isAlive(), false)
    const attest = openAttest([unixAttestor(localAccounts(), { programs: false, mostBytes: 0 })], silent)
    await assert.rejects(attest(process), /workload attestation failed/)
  })

  test('without a handle, the time it started tells', async (t) => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    const process = openProcess({ pid: child.pid as number, uid: 0, gid: 0 })
    assert.equal(process.isAlive(), true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(process.isAlive(), false)
    assert.throws(() => openProcess({ pid: child.pid as number, uid: 0, gid: 0 }))
  })

  test('one that is referred to by its number is held, too', async (t) => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    t.after(() => child.kill('SIGKILL'))
    const process = processOfPid(child.pid as number)
    t.after(() => process.close())
    assert.deepEqual([process.pid, process.isAlive()], [child.pid, true])
    child.kill('SIGKILL')
    await once(child, 'exit')
    assert.equal(process.isAlive(), false)
    assert.throws(() => processOfPid(child.pid as number), /there is no process/)
  })

  test('the number of a thread is no process', () => {
    const threads = readdirSync('/proc/self/task').map(Number)
    const other = threads.find((tid) => tid !== process.pid)
    assert.ok(other)
    assert.throws(() => processOfPid(other), /is a thread of process/)
  })

  test('one that has ended, and that nobody waited for, is none', async (t) => {
    const child = spawn('python3', ['-c', UNWAITED], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    const [said] = (await once(child.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    await until('it has ended', () => readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z '))
    assert.throws(() => processOfPid(pid), /has ended/)
    assert.throws(() => openProcess({ pid, uid: 0, gid: 0 }), /has ended/)
  })

  const UNWAITED = `
import os, time
pid = os.fork()
if pid == 0: os._exit(0)
print(pid, flush=True)
time.sleep(1000)`

  test('a program that is larger than it may be gives nothing', async (t) => {
    const { process } = await connected(t)
    const attest = openAttest([unixAttestor(localAccounts(), { programs: true, mostBytes: 10 })], silent)
    await assert.rejects(attest(process), /workload attestation failed/)
  })

  test('this process, from a connection to itself', async (t) => {
    const path = join(folder(t), 'socket')
    const server = createServer()
    server.listen(path)
    await once(server, 'listening')
    const client = connect(path)
    const [socket] = (await once(server, 'connection')) as [Socket]
    assert.equal(processBehind(socket).pid, process.pid)
    for (const one of [client, socket]) one.destroy()
    server.close()
  })
})

test('accounts are read again when they change', (t) => {
  const at = folder(t)
  const passwd = join(at, 'passwd')
  const { userOf, groupOf } = localAccounts(passwd, join(at, 'group'))
  assert.equal(userOf(1), undefined)
  writeFileSync(passwd, 'ann:x:1:1::/home/ann:/bin/sh\nalias:x:1:1::/:/bin/sh\n# odd line\n')
  assert.equal(userOf(1), 'ann')
  assert.equal(groupOf(1), undefined)
})
