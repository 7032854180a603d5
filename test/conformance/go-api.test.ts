// OpenBao's Go client module, unchanged, against a server.
import { join } from 'node:path'
import { test } from 'node:test'
import { devServer } from '../support/server.ts'
import { goProgram, run } from '../support/tools.ts'

test('the Go client stores and reads secrets, and logs in', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-api'), 'go-api-check')
  if ('missing' in program) return t.skip(program.missing)
  const address = await devServer(t)
  await run(program.path, [], { env: { ...process.env, BAO_ADDR: address, VAULT_ADDR: address } })
})
