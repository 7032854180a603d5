// hvac, unchanged, against a server.
import { join } from 'node:path'
import { test } from 'node:test'
import { devServer } from '../support/server.ts'
import { pythonWithHvac, run } from '../support/tools.ts'

test('hvac stores and reads secrets, manages policies, tokens and logins', async (t) => {
  const python = await pythonWithHvac()
  if ('missing' in python) return t.skip(python.missing)
  const address = await devServer(t)
  await run(python.path, [join(import.meta.dirname, 'hvac_check.py'), address])
})
