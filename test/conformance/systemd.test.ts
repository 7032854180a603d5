// The systemd attestor on a real bus, against a service manager that another implementation of D-Bus plays.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemdAttestor } from '../../src/agent/attestors/systemd.ts'
import type { Process } from '../../src/agent/processes.ts'
import { askBus } from '../../src/app/system-bus.ts'
import { folder } from '../support/server.ts'
import { hasProgram, pythonWithJeepney } from '../support/tools.ts'

const python = await pythonWithJeepney()
const skip = 'missing' in python ? python.missing : (await hasProgram('dbus-daemon')) ? false : 'there is no dbus-daemon'

const PID = 4242
const processOf = (pid: number) => ({ pid }) as Process

/** A bus of its own; resolves to its socket once its first word is out. */
async function bus(t: TestContext): Promise<string> {
  const at = folder(t)
  const socket = join(at, 'bus')
  const config = join(at, 'bus.conf')
  const policy = '<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy>'
  writeFileSync(config, `<busconfig><listen>unix:path=${socket}</listen><auth>EXTERNAL</auth>${policy}</busconfig>`)
  await saying(t, spawn('dbus-daemon', [`--config-file=${config}`, '--nofork', '--print-address=1']))
  return socket
}

async function saying(t: TestContext, child: ChildProcess): Promise<void> {
  t.after(() => child.kill('SIGKILL'))
  child.stderr?.on('data', (text) => t.diagnostic(String(text)))
  await once(child.stdout as NodeJS.ReadableStream, 'data')
}

test('a process is known by its unit', { skip }, async (t) => {
  assert.ok('path' in python)
  const socket = await bus(t)
  await saying(t, spawn(python.path, [join(import.meta.dirname, 'systemd_manager.py'), `unix:path=${socket}`, `${PID}`]))
  const attestor = systemdAttestor(askBus(socket))
  assert.deepEqual(await attestor.attest(processOf(PID)), ['id:web.service', 'fragment_path:/etc/systemd/system/web.service'])
  assert.deepEqual(await attestor.attest(processOf(1)), [], 'one without a unit')
})

test('without a service manager, or a bus, nothing is known', { skip }, async (t) => {
  const socket = await bus(t)
  await assert.rejects(async () => systemdAttestor(askBus(socket)).attest(processOf(PID)), /ServiceUnknown/)
  await assert.rejects(async () => systemdAttestor(askBus('/none')).attest(processOf(PID)), /ENOENT/)
})
