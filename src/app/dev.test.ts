import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { openLogs } from '../telemetry/log.ts'
import { openDev } from './dev.ts'
import { clock } from './ports.ts'

test('due work of a development server leaves the sockets of its agent alone', async (t) => {
  const said: string[] = []
  const logs = openLogs({ level: 'warn', format: 'standard', clock, write: (line) => said.push(line) })
  const dev = await openDev(
    { listenAddress: '127.0.0.1:0', rootTokenId: undefined, kvV1: false, trustDomain: 'example.org', noStoreToken: true },
    logs,
  )
  t.after(() => dev.close())
  const { agent } = dev
  assert.ok(agent)
  await dev.serving.kernel.sweep()
  assert.deepEqual([existsSync(agent.socketPath), existsSync(agent.adminSocketPath)], [true, true])
  await dev.close()
  assert.deepEqual([existsSync(agent.socketPath), said], [false, []])
})
