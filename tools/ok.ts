// Every check that needs no server: types, lint, format, and the house rules. `npm run ok` before a commit.
import { spawnSync } from 'node:child_process'

const checks: Readonly<Record<string, readonly string[]>> = {
  types: ['node_modules/.bin/tsc'],
  lint: ['node_modules/.bin/oxlint', '--type-aware', '--deny-warnings', 'src', 'tools', 'test', 'bench'],
  format: ['node_modules/.bin/biome', 'format', '.'],
  layers: [process.execPath, 'tools/check-layers.ts'],
  effects: [process.execPath, 'tools/check-effects.ts'],
  sizes: [process.execPath, 'tools/check-sizes.ts'],
  lockfile: [process.execPath, 'tools/check-lockfile.ts'],
}

let failed = 0
for (const [name, [command, ...args]] of Object.entries(checks)) {
  const { status, stdout, stderr } = spawnSync(command as string, args, { encoding: 'utf8' })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  if (status === 0) continue
  failed++
  console.log(stdout + stderr)
}
process.exitCode = failed > 0 ? 1 : 0
