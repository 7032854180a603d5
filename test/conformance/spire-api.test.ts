// SPIRE's own API module, unchanged, against the administrative socket.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { listenAdmin } from '../../src/app/admin-socket.ts'
import { silent } from '../../src/base/log.ts'
import { stillTimers } from '../../src/testing/clock.ts'
import { openWorld } from '../../src/testing/world.ts'
import { goProgram, run } from '../support/tools.ts'

test('an operator of SPIRE administers the trust domain', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'spire-api'), 'spire-api-check')
  if ('missing' in program) return t.skip(program.missing)
  const world = await openWorld()
  world.clock.set(Date.now())
  await world.ok('write', 'sys/mounts/spiffe', { type: 'spiffe' })
  await world.ok('write', 'spiffe/config', { trust_domain: 'example.org' })
  const dir = mkdtempSync(join(tmpdir(), 'signet-spire-api-'))
  const path = join(dir, 'api.sock')
  const socket = await listenAdmin(
    { path, uids: [] },
    world.kernel,
    { clock: world.clock, random: { bytes: randomBytes }, timers: stillTimers },
    silent,
  )
  t.after(async () => {
    await socket.close()
    await world.close()
    rmSync(dir, { recursive: true })
  })
  await run(program.path, [path])
  await world.ok('write', 'spiffe/config', { wit_svids: true })
  await run(program.path, [path, 'wit'])
})
