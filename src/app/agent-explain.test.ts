// What an operator is told of a workload: through the command line, of an agent in this process.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { unixAttestor } from '../agent/attestors/unix.ts'
import * as wire from '../agent/workload/messages.ts'
import { runWith } from '../testing/cli-ports.ts'
import { ME, NODE, openServedNode, type ServedNode } from '../testing/served-node.ts'
import { localAccounts, whyNoWorkload } from './agent-processes.ts'

const uid = process.getuid?.() ?? -1
const HEADERS = { metadata: { [wire.HEADER]: 'true' } }

describe('a workload is explained', () => {
  /** What the second attestor says next. */
  let label: () => readonly string[] = () => []
  let node: ServedNode
  let id: string
  before(async () => {
    const unix = unixAttestor(localAccounts(), { programs: false, mostBytes: 0 })
    node = await openServedNode({ workloadAttestors: [unix, { type: 'docker', attest: async () => label() }] })
  })
  after(() => node.close())
  beforeEach(async () => {
    label = () => []
    id = await node.begin('/me', { hint: 'main' })
    await node.looking('its SVID is there', () => node.running.agent.x509.all().has(id))
  })

  const ask = (pid: number | string, socket = node.parts.adminSocket?.path ?? '', ...more: string[]) =>
    runWith(['explain', 'workload', `-pid=${pid}`, `-admin-socket-path=${socket}`, ...more])
  const told = async (pid: number) => JSON.parse((await ask(pid, undefined, '-format=json')).out)

  test('what was seen of it, what it gets, and until when', async () => {
    await node.client.ask('/SpiffeWorkloadAPI/FetchJWTSVID', wire.JwtSvidRequest, wire.JwtSvidResponse, { audience: ['db', 'cache'] }, HEADERS)
    const { name, agent, parents, attestors, entries, near, problem } = await told(process.pid)
    assert.ok(name.length > 0)
    assert.equal(agent.spiffe_id, node.running.agent.identity()?.id)
    assert.deepEqual([parents, near, problem], [[NODE], [], undefined])
    assert.deepEqual(attestors[1], { type: 'docker', selectors: [] })
    assert.ok(attestors[0].selectors.includes(ME))
    const [{ x509_svid: x509, jwt_svids: jwts, ...entry }] = entries
    assert.deepEqual(entry, { id, spiffe_id: 'spiffe://example.org/me', parent_id: NODE, hint: 'main' })
    assert.ok(Date.parse(x509.renew_at) < Date.parse(x509.expires_at))
    assert.deepEqual(jwts[0].audience, ['cache', 'db'])
  })

  test('in words', async () => {
    const { out, code } = await ask(process.pid)
    assert.equal(code, 0)
    for (const line of [
      new RegExp(`^Process ${process.pid} \\(.+\\)$`),
      /^Agent {3}spiffe:\/\/example\.org\/spire\/agent\/join_token\/\S+, until \d{4}-\S+Z$/,
      new RegExp(`^Node {4}${NODE}$`),
      new RegExp(`^ {2}${ME}$`),
      /^ {2}docker has nothing to say of it$/,
      /^Described by:$/,
      new RegExp(`^ {2}spiffe://example\\.org/me \\(${id}\\), below ${NODE}$`),
      /^ {6}X509-SVID until \S+Z, to be renewed from \S+Z$/,
    ]) {
      assert.ok(
        out.split('\n').some((one) => line.test(one)),
        `${line} in ${out}`,
      )
    }
  })

  test('what is missing of entries that nearly describe it, and which one is given in the place of another', async () => {
    node.domain.clock.advance(1_000)
    const twin = await node.domain.entry(NODE, '/twin', ME, { hint: 'main' })
    const other = await node.domain.entry(NODE, '/other', `${ME},unix:gid:4242`)
    const far = await node.domain.entry(NODE, '/far', 'docker:label:a:b,docker:label:c:d')
    const stored = await node.domain.entry(NODE, '/stored', ME, { store_svid: true })
    await node.looking('it knows them', () => [...node.running.agent.entries()].length === 5)
    const { entries, near } = await told(process.pid)
    assert.equal(entries.find((one: { id: string }) => one.id === twin).hidden_by, id)
    assert.deepEqual(
      near.map((one: { entry: { id: string }; missing: object[]; store_svid: boolean }) => [one.entry.id, one.missing.length, one.store_svid]),
      [
        [stored, 0, true],
        [other, 1, false],
        [far, 2, false],
      ],
    )
    assert.deepEqual(near[1].missing, [{ selector: 'unix:gid:4242', instead: [`unix:gid:${process.getgid?.()}`] }])
    const { out } = await ask(process.pid)
    assert.match(out, new RegExp(`it asks for unix:gid:4242; there is unix:gid:${process.getgid?.()}\n`))
    assert.match(out, /hint main, which the older entry \S+ has too/)
    assert.match(out, /its SVIDs are for a store, and for no process/)
    for (const one of [other, far, stored]) await node.domain.world.ok('delete', `spiffe/entries/${one}`)
  })

  test('an attestor that failed, and why: the workload gets nothing', async () => {
    label = () => {
      throw new Error("EACCES: permission denied, readlink '/proc/1/exe'")
    }
    const { problem, entries, attestors } = await told(process.pid)
    assert.equal(problem, "docker: EACCES: permission denied, readlink '/proc/1/exe'")
    assert.deepEqual([entries.length, attestors[1].problem], [1, "EACCES: permission denied, readlink '/proc/1/exe'"])
    const { out } = await ask(process.pid)
    assert.match(out, /docker could not find out: EACCES.*\n.*hint: .*CAP_SYS_PTRACE/)
    assert.match(out, /^It gets nothing: docker: EACCES.*\nBy what was seen it would be described by:$/m)
  })

  test('what a container calls itself does not move the cursor', async () => {
    label = () => ['label:name:\u001B[2J\u202Ex\n']
    const { out } = await ask(process.pid)
    assert.ok(out.includes('docker:label:name:\\u{1b}[2J\\u{202e}x\\u{a}'))
  })

  test('numbers that are no process of a user', async (t) => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' })
    const pid = child.pid as number
    t.after(() => child.kill('SIGKILL'))
    assert.match((await ask(pid)).out, /\(sleep\)/)
    child.kill('SIGKILL')
    await once(child, 'exit')
    const thread = readdirSync('/proc/self/task').find((one) => one !== String(process.pid)) as string
    for (const [given, message] of [
      [pid, `the agent says: there is no process ${pid} that can be seen from here`],
      [thread, `the agent says: ${thread} is a thread of process ${process.pid}`],
    ] as const) {
      const { code, err } = await ask(given)
      assert.deepEqual([code, err.split('\n')[0]], [2, message])
    }
    for (const [given, message] of [
      ['0', '0 is not the number of a process'],
      ['-5', '-5 is not the number of a process'],
      ['4294967296', '4294967296 is not the number of a process'],
    ] as const) {
      const { code, err } = await ask(given)
      assert.deepEqual([code, err.split('\n')[0]], [1, message])
    }
    assert.match((await runWith('explain workload')).err, /a process is needed: -pid/)
  })

  test('threads of the kernel and what has ended are no workloads', () => {
    const status = (tgid: number) => `Name:\tx\nTgid:\t${tgid}\n`
    const stat = (state: string, flags: number) => `7 (a) b) ${state} 2 0 0 0 -1 ${flags} 0`
    assert.equal(whyNoWorkload(7, status(7), stat('S', 0x40_0040)), undefined)
    assert.equal(whyNoWorkload(7, status(7), stat('I', 0x20_8040)), '7 is a thread of the kernel')
    assert.equal(whyNoWorkload(7, status(7), stat('Z', 0)), 'process 7 has ended')
    assert.equal(whyNoWorkload(7, status(5), stat('S', 0)), '7 is a thread of process 5')
    assert.equal(whyNoWorkload(7, '', ''), 'there is no process 7 that can be seen from here')
  })

  test('sockets that are none, or of somebody else', async () => {
    const nothing = join(node.domain.folder, 'nothing.sock')
    const file = join(node.domain.folder, 'file')
    writeFileSync(file, '')
    for (const [socket, message] of [
      [nothing, `no agent has an admin socket at ${nothing}`],
      [file, `nobody answers at ${file}`],
      [node.parts.socket.path, /^the agent says: .*does not implement/],
    ] as const) {
      const { code, err } = await ask(process.pid, socket)
      assert.equal(code, 2)
      if (typeof message === 'string') assert.equal(err.split('\n')[0], message)
      else assert.match(err, message)
    }
  })
})

test('who is no operator learns nothing', async (t) => {
  const node = await openServedNode({ operators: [uid + 1] })
  t.after(() => node.close())
  const { code, err } = await runWith(['explain', 'workload', `-pid=${process.pid}`, `-admin-socket-path=${node.parts.adminSocket?.path}`])
  assert.deepEqual([code, err.split('\n')[0]], [2, `the agent says: user ${uid} is no operator of this agent`])
  assert.match(err, /hint: .*admin_uids/)
})
