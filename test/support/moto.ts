// moto, which answers as Amazon's services do, as a server of its own.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { TestContext } from 'node:test'
import { until } from '../processes/load.ts'
import { freePort } from './server.ts'
import { pythonWithMoto } from './tools.ts'

const python = await pythonWithMoto()

/** Why it can't be had; false where it can. */
export const motoMissing = 'missing' in python ? python.missing : false

/** Its endpoint, until the test ends. */
export async function startMoto(t: TestContext): Promise<string> {
  assert.ok('path' in python)
  const port = await freePort()
  const server = spawn(python.path, ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' })
  t.after(() => server.kill('SIGKILL'))
  const endpoint = `http://127.0.0.1:${port}`
  await until('moto answers', () =>
    fetch(`${endpoint}/moto-api/data.json`).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
  return endpoint
}
