// What the guides show is what happens: their console blocks are run, top to bottom, against a new server.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { devServer, folder, freePort, SIGNET } from '../support/server.ts'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '../..')

interface Step {
  readonly command: string
  /** With `…` for what may be anything; as a whole line, for any lines. */
  readonly output: string
}

test('the tour of the README', async (t) => {
  await replay(join(ROOT, 'README.md'), await devServer(t), folder(t), { $PWD: ROOT })
})

/** They show what depends on time, or on ids of another day. */
const NOT_RUN = ['docs/guide/denials.md', 'docs/guide/limits.md']

/** It starts a server of its own. */
const AGENT_GUIDE = 'docs/guide/agent.md'

/** Every other guide that shows commands with what they print. */
const GUIDES = globSync('docs/guide/*.md', { cwd: ROOT }).filter(
  (path) => ![...NOT_RUN, AGENT_GUIDE].includes(path) && readFileSync(join(ROOT, path), 'utf8').includes('```console'),
)

for (const guide of GUIDES.sort()) {
  test(guide, async (t) => {
    await replay(join(ROOT, guide), await devServer(t), folder(t))
  })
}

for (const name of ['kv', 'policies', 'logins', 'admin', 'exit-codes', 'workload-identity']) {
  test(`transcript: ${name}`, async (t) => {
    await replay(join(import.meta.dirname, `${name}.md`), await devServer(t), folder(t))
  })
}

test(AGENT_GUIDE, async (t) => {
  await replay(join(ROOT, AGENT_GUIDE), `http://127.0.0.1:${await freePort()}`, folder(t))
})

test('transcript: production', async (t) => {
  await replay(join(import.meta.dirname, 'production.md'), `http://127.0.0.1:${await freePort()}`, folder(t))
})

/** `known` is what a step says in place of what holds only here. */
async function replay(path: string, address: string, home: string, known: Readonly<Record<string, string>> = {}): Promise<void> {
  writeFileSync(join(home, '.vault-token'), 'root')
  const steps = stepsOf(readFileSync(path, 'utf8')).map((step) => relocated(step, { ...known, ...addresses(address) }))
  assert.ok(steps.length > 5)
  const outputs = await runAll(steps, home, address)
  for (const [at, { command, output }] of steps.entries()) assert.match(outputs[at] ?? '', toPattern(output), `$ ${command}`)
}

function stepsOf(markdown: string): Step[] {
  const blocks = [...markdown.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map((match) => match[1] as string)
  return blocks.flatMap((block) => block.split(/^\$ /m).slice(1).map(toStep))
}

/** A command goes on in lines that begin with `> `, as a shell shows them. */
function toStep(text: string): Step {
  const [first = '', ...lines] = text.split('\n')
  const more = lines.findIndex((line) => !line.startsWith('> '))
  const command = [first, ...lines.slice(0, more).map((line) => line.slice(2))].join('\n')
  return { command, output: lines.slice(more).join('\n').trimEnd() }
}

/** The guides speak of the default address; the test has a port of its own. */
function addresses(address: string): Readonly<Record<string, string>> {
  return { '127.0.0.1:8200': address.replace('http://', '') }
}

function relocated({ command, output }: Step, known: Readonly<Record<string, string>>): Step {
  const move = (text: string) => Object.entries(known).reduce((moved, [from, to]) => moved.replaceAll(from, to), text)
  return { command: move(command), output: move(output) }
}

const MARK = '--- next step ---'

/** One shell runs all, so that variables last; `-e` is off, since a step may show a failure. */
async function runAll(steps: readonly Step[], home: string, address: string): Promise<string[]> {
  const work = join(home, 'work')
  mkdirSync(work)
  const script = steps.map(({ command }) => `${command}\necho '${MARK}'`).join('\n')
  const env = { PATH: `${dirname(SIGNET)}:${process.env['PATH']}`, HOME: home, VAULT_ADDR: address }
  const whole = `exec 2>&1\ntrap 'kill $(jobs -p) 2> /dev/null' EXIT\n${script}`
  const { stdout } = await run('bash', ['-c', whole], { cwd: work, env, maxBuffer: 1 << 24, timeout: 120_000 })
  return stdout.split(new RegExp(`${MARK}\\n`))
}

function toPattern(output: string): RegExp {
  const lines = output.split('\n').map((line) => (line === '…' ? '(?:.*\\n)*' : `${line.split('…').map(escape).join('.*')}(?:\\n|$)`))
  return new RegExp(`^${output === '' ? '' : lines.join('')}$`)
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
