// The command line's ports on Node: terminal, files and HTTP.
import { createReadStream } from 'node:fs'
import { lstat, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import type { CliFiles, CliPorts, Output, Stdin } from '../cli/ports.ts'
import { listenTo } from './cli-listen.ts'
import { sendRequest } from './cli-request.ts'
import { random } from './ports.ts'

/** What the composition root adds: the server, its configuration, snapshots, the policy formatter, the version. */
export type CliParts = Pick<
  CliPorts,
  | 'checkConfig'
  | 'diagnose'
  | 'format'
  | 'openAgentAdmin'
  | 'openDatabase'
  | 'openBrokerApi'
  | 'openSnapshot'
  | 'openWorkloadApi'
  | 'startAgent'
  | 'startServer'
  | 'sudoPaths'
  | 'version'
>

export function nodeCliPorts(parts: CliParts, process: NodeJS.Process, home: string): CliPorts {
  return {
    ...parts,
    random,
    env: process.env,
    stdin: stdinOf(process.stdin, process.stderr),
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    files,
    home,
    request: sendRequest,
    listen: listenTo,
    signal: (pid, name) => void process.kill(pid, name),
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  }
}

/** Who has read enough, as `head` has, ends the output and not the command. */
function outputOf(stream: NodeJS.WriteStream): Output {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  return { isTTY: stream.isTTY === true, write: (text) => void stream.write(text) }
}

function stdinOf(stream: NodeJS.ReadStream, prompts: NodeJS.WriteStream): Stdin {
  return {
    isTTY: stream.isTTY === true,
    async read() {
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk as Buffer)
      return Buffer.concat(chunks)
    },
    readSecret(prompt) {
      return stream.isTTY ? readHidden(stream, prompts, prompt) : Promise.reject(new Error('standard input is not a terminal'))
    },
  }
}

/** A line typed in raw mode, which echoes nothing. */
async function readHidden(stream: NodeJS.ReadStream, prompts: NodeJS.WriteStream, prompt: string): Promise<string> {
  prompts.write(prompt)
  stream.setRawMode(true)
  try {
    return await typedLine(stream)
  } finally {
    stream.setRawMode(false)
    stream.pause()
    prompts.write('\n')
  }
}

function typedLine(stream: NodeJS.ReadStream): Promise<string> {
  return new Promise((resolve, reject) => {
    let line = ''
    const done = (settle: () => void): void => {
      stream.off('data', take)
      settle()
    }
    const take = (chunk: Buffer | string): void => {
      for (const char of chunk.toString()) {
        if (char === '\r' || char === '\n' || char === '\u0004') return done(() => resolve(line))
        if (char === '\u0003') return done(() => reject(new Error('interrupted')))
        line = char === '\u007f' || char === '\b' ? line.slice(0, -1) : line + char
      }
    }
    stream.on('data', take)
    stream.resume()
  })
}

export const files: CliFiles = {
  read: (path) => readFile(path),
  chunks: reading,
  list: (path) => readdir(path),
  write: (path, text, mode) => save(path, [Buffer.from(text)], mode, async () => {}),
  save,
  remove: (path) => rm(path, { force: true }),
}

/** Opened when the first piece is asked for. */
async function* reading(path: string): AsyncGenerator<Uint8Array> {
  yield* createReadStream(path, { highWaterMark: 1 << 20 })
}

type Chunks = AsyncIterable<Uint8Array> | Iterable<Uint8Array>

/** By way of a file of its own beside it, so that nobody ever sees half of it or its content under another mode. */
async function save(path: string, chunks: Chunks, mode: number, check: (written: AsyncIterable<Uint8Array>) => Promise<void>): Promise<void> {
  const before = await lstat(path).catch(() => undefined)
  if (before?.isSymbolicLink()) throw new Error(`${path} is a symbolic link`)
  const beside = `${path}.tmp`
  await rm(beside, { force: true })
  try {
    const file = await open(beside, 'wx', mode)
    try {
      for await (const chunk of chunks) await file.appendFile(chunk)
      await file.sync()
    } finally {
      await file.close()
    }
    await check(reading(beside))
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await rename(beside, path)
}
