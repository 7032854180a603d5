// hvac, unchanged, against a server.
import { join } from 'node:path'
import { test } from 'node:test'
import { devServer } from '../support/server.ts'
import { pythonWithHvac, run } from '../support/tools.ts'

const SCRIPTS = {
  'hvac_check.py': 'hvac stores and reads secrets, manages policies, tokens and logins',
  'hvac_wrapping.py': 'hvac hands wrapped secret IDs to agents, and uses batch tokens and token roles',
}

for (const [script, what] of Object.entries(SCRIPTS)) {
  test(what, async (t) => {
    const python = await pythonWithHvac()
    if ('missing' in python) return t.skip(python.missing)
    const address = await devServer(t)
    await run(python.path, [join(import.meta.dirname, script), address])
  })
}
