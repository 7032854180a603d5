// OpenBao's Go client module, unchanged, against a server.
import { join } from 'node:path'
import { test } from 'node:test'
import { initialise } from '../processes/load.ts'
import { devServer, folder, killed, productionServer } from '../support/server.ts'
import { goProgram, run } from '../support/tools.ts'

test('the Go client stores and reads secrets, and logs in', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-api'), 'go-api-check')
  if ('missing' in program) return t.skip(program.missing)
  const address = await devServer(t)
  await run(program.path, [], { env: { ...process.env, BAO_ADDR: address, VAULT_ADDR: address } })
})

test('the Go client makes a recovery token, and repairs what is stored with it', async (t) => {
  const program = await goProgram(join(import.meta.dirname, 'go-api'), 'go-api-check')
  if ('missing' in program) return t.skip(program.missing)
  const at = folder(t)
  const first = await productionServer(t, { at, workers: 1 })
  const { shares } = await initialise(first.address)
  await killed(first.process)
  const { address } = await productionServer(t, { at, args: ['-recovery'] })
  const env = { ...process.env, BAO_ADDR: address, VAULT_ADDR: address, SHARES: shares.slice(0, 2).join() }
  await run(program.path, ['recovery'], { env })
})
