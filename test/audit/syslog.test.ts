// Syslog devices against Debian's rsyslog: local datagrams, TCP and UDP; facility and tag; and a daemon that stops reading.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { folder, freePort } from '../support/server.ts'
import { numbers, openSink, record, until, verified, wayOf } from './rig.ts'

interface Daemon {
  readonly socket: string
  readonly port: number
  readonly process: ChildProcess
  /** Facility, tag and message of each line that came. */
  heard(): readonly (readonly [facility: string, tag: string, message: string])[]
}

async function openDaemon(t: TestContext): Promise<Daemon> {
  const at = mkdtempSync(join(tmpdir(), 'signet-syslog-'))
  const port = await freePort()
  const [socket, out, config] = ['log.sock', 'out', 'rsyslog.conf'].map((name) => join(at, name)) as [string, string, string]
  writeFileSync(
    config,
    `global(workDirectory="${at}" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
module(load="imtcp")
module(load="imudp")
input(type="imuxsock" Socket="${socket}")
input(type="imtcp" port="${port}" address="127.0.0.1")
input(type="imudp" port="${port}" address="127.0.0.1")
template(name="parts" type="string" string="%syslogfacility-text%|%app-name%|%msg:::sp-if-no-1st-sp%%msg%\\n")
action(type="omfile" file="${out}" template="parts")
`,
  )
  const daemon = spawn('rsyslogd', ['-n', '-f', config, '-i', join(at, 'pid')], { stdio: 'ignore' })
  t.after(async () => {
    daemon.kill('SIGCONT')
    daemon.kill('SIGKILL')
    if (daemon.exitCode === null && daemon.signalCode === null) await once(daemon, 'exit')
    rmSync(at, { recursive: true, force: true })
  })
  await until('rsyslog listens', () => existsSync(socket))
  await listening(port)
  return {
    socket,
    port,
    process: daemon,
    heard: () => (existsSync(out) ? readFileSync(out, 'utf8') : '').split('\n').filter(Boolean).map(parts),
  }
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const answers = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    if (answers) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function parts(line: string): [string, string, string] {
  const [facility = '', tag = '', ...message] = line.split('|')
  return [facility, tag, message.join('|').trim()]
}

const missing = spawnSync('rsyslogd', ['-v']).error !== undefined && 'rsyslogd is not installed'

test('every way into rsyslog', { skip: missing }, async (t) => {
  const daemon = await openDaemon(t)
  const ways = {
    unix: { address: daemon.socket, tag: 'by-unix' },
    tcp: { address: `127.0.0.1:${daemon.port}`, socket_type: 'tcp', tag: 'by-tcp' },
    udp: { address: `127.0.0.1:${daemon.port}`, socket_type: 'udp', tag: 'by-udp' },
  }
  for (const [name, options] of Object.entries(ways)) {
    const sink = openSink(folder(t), wayOf('syslog', { ...options, facility: 'local3' }))
    await sink.prove()
    await Promise.all(Array.from({ length: 50 }, (_, n) => sink.write(record(n, 3_000))))
    const mine = () => daemon.heard().filter(([, tag]) => tag === options.tag)
    await until(`50 records by ${name}`, () => numbers(mine().map(([, , message]) => message)).length === 50)
    await sink.close()
    await until('the end', () => mine().some(([, , message]) => message.includes('"occasion":"end"')))
    assert.deepEqual([...new Set(mine().map(([facility]) => facility))], ['local3'], name)
    assert.deepEqual(verified(mine().map(([, , message]) => message)).findings, [], name)
  }
})

test('a daemon that stops reading keeps nobody waiting, and misses nothing', { skip: missing }, async (t) => {
  const daemon = await openDaemon(t)
  const sink = openSink(folder(t), wayOf('syslog', { address: daemon.socket, tag: 'audit' }))
  await sink.write(record(0))
  await until('it is heard', () => daemon.heard().length > 1)
  daemon.process.kill('SIGSTOP')
  await Promise.all(Array.from({ length: 2_000 }, (_, n) => sink.write(record(n + 1))))
  await until('it is told', () => /EAGAIN|ENOBUFS/.test(sink.state().stalled ?? ''))
  assert.ok((sink.state().spooled ?? 0) > 0)
  daemon.process.kill('SIGCONT')
  await until('all is heard', () => new Set(numbers(daemon.heard().map(([, , message]) => message))).size === 2_001)
  await sink.close()
})
