// Writes docs/reference/ from the declarations; with --check it fails where the files say something else.
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AGENT_STANZAS, STANZAS } from '../src/app/config/stanzas.ts'
import { apiPages } from './reference/api.ts'
import { cliPage } from './reference/cli.ts'
import { configPage } from './reference/config.ts'
import { metricsPage } from './reference/metrics.ts'

const FOLDER = 'docs/reference'
const NOTE = '<!-- Written by tools/reference.ts from the declarations in src/; change those, then run `npm run reference`. -->'

const pages: Readonly<Record<string, string>> = {
  ...(await apiPages()),
  'cli.md': await cliPage(),
  'agent-configuration.md': configPage('Configuration of an agent', AGENT_STANZAS, 'SPIRE'),
  'configuration.md': configPage('Configuration of a server', STANZAS, 'Vault and OpenBao'),
  'metrics.md': metricsPage(),
}
const wanted = new Map(Object.entries(pages).map(([name, text]) => [join(FOLDER, name), `${NOTE}\n\n${text.trimEnd()}\n`]))
const found = globSync(`${FOLDER}/**/*.md`)
const stale = [...wanted].filter(([path, text]) => !existsSync(path) || readFileSync(path, 'utf8') !== text).map(([path]) => path)
const surplus = found.filter((path) => !wanted.has(path))

if (process.argv.includes('--check')) check()
else write()

function check(): void {
  for (const path of [...stale, ...surplus]) console.error(`${path} is not what the declarations say; run "npm run reference"`)
  process.exitCode = stale.length + surplus.length > 0 ? 1 : 0
}

function write(): void {
  for (const path of surplus) rmSync(path)
  for (const path of stale) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, wanted.get(path) as string)
  }
}
