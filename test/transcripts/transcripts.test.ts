// What the guides show is what happens: their console blocks are run, top to bottom, against a new server.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import { devServer, folder, SIGNET } from '../support/server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

interface Step {
  readonly command: string
  /** With `…` for what may be anything; as a whole line, for any lines. */
  readonly output: string
}

const GUIDES = ['audit', 'leases', 'namespaces', 'tokens'].map((name) => `docs/guide/${name}.md`)
for (const guide of ['README.md', ...GUIDES]) test(guide, (t) => follow(t, guide))

async function follow(t: TestContext, guide: string): Promise<void> {
  const address = await devServer(t)
  const home = folder(t)
  writeFileSync(join(home, '.vault-token'), 'root')
  const steps = stepsOf(readFileSync(join(ROOT, guide), 'utf8')).map((step) => relocated(step, address))
  assert.ok(steps.length > 10)
  const outputs = await runAll(steps, home)
  for (const [at, { command, output }] of steps.entries()) {
    assert.match(outputs[at] ?? '', toPattern(output), `$ ${command}`)
  }
}

function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string)
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((step) => {
        const [command = '', ...output] = step.split('\n')
        return { command, output: output.join('\n').trimEnd() }
      }),
  )
}

/** The guide speaks of the default address; the test has a port of its own. */
function relocated({ command, output }: Step, address: string): Step {
  const move = (text: string) => text.replaceAll('http://127.0.0.1:8200', address)
  return { command: move(command), output: move(output) }
}

const MARK = '--- next step ---'

/** One shell runs all, so that variables last; `-e` is off, since a step may show a failure. */
async function runAll(steps: readonly Step[], home: string): Promise<string[]> {
  const work = join(home, 'work')
  mkdirSync(work)
  const script = steps.map(({ command }) => `${command.replaceAll('$PWD', ROOT)}\necho '${MARK}'`).join('\n')
  const env = { PATH: `${dirname(SIGNET)}:${process.env['PATH']}`, HOME: home }
  const { stdout } = await run('bash', ['-c', `exec 2>&1\n${script}`], { cwd: work, env, maxBuffer: 1 << 24 })
  return stdout.split(new RegExp(`${MARK}\\n`))
}

function toPattern(output: string): RegExp {
  const lines = output.split('\n').map((line) => (line === '…' ? '(?:.*\\n)*' : `${line.split('…').map(escape).join('.*')}(?:\\n|$)`))
  return new RegExp(`^${output === '' ? '' : lines.join('')}$`)
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
