// `signet kv delete`, `undelete`, `destroy` and `enable-versioning`.
import { command } from '../../command.ts'
import { attempt, Failure } from '../../failure.ts'
import { list } from '../../flag.ts'
import { cleanPath, mountPath } from '../../mount-path.ts'
import { showAnswer } from '../../output/show.ts'
import type { Terminal } from '../../terminal.ts'
import { findTarget, findVersioned, mountFlag } from './target.ts'

const flags = { versions: list('The versions, separated by commas. May be given many times.'), ...mountFlag }

/** `1,2` and `3` as `['1', '2', '3']`. */
function numbers(versions: readonly string[]): string[] {
  return versions
    .flatMap((one) => one.split(','))
    .map((one) => one.trim())
    .filter(Boolean)
}

export const remove = command({
  doc: 'Delete versions in the KV store',
  about: `
Version 2 only marks the data as deleted, so that "signet kv undelete" can bring it back. Without
-versions it is the newest version that is deleted.

    $ signet kv delete -mount=secret app
    $ signet kv delete -mount=secret -versions=3 app`,
  args: ['PATH'],
  flags,
  output: 'field',
  async run(terminal, { args: [key = ''], flags }) {
    const client = await terminal.client()
    const target = await findTarget(terminal, client, key, flags.mount)
    const path = target.at('data')
    const versions = numbers(flags.versions)
    const send = target.v2 && versions.length > 0 ? () => client.write(target.at('delete'), { versions }) : () => client.delete(path)
    const secret = await attempt(`Error deleting ${path}`, send)
    showAnswer(terminal, secret, `Success! Data deleted (if it existed) at: ${path}`)
  },
})

export const undelete = command({
  doc: 'Undelete versions in the KV store',
  about: `
    $ signet kv undelete -mount=secret -versions=3 app`,
  args: ['PATH'],
  flags,
  output: 'format',
  run: (terminal, { args: [key = ''], flags }) => onVersions(terminal, key, flags, 'undelete'),
})

export const destroy = command({
  doc: 'Permanently remove one or more versions in the KV store',
  about: `
    $ signet kv destroy -mount=secret -versions=3 app`,
  args: ['PATH'],
  flags,
  output: 'format',
  run: (terminal, { args: [key = ''], flags }) => onVersions(terminal, key, flags, 'destroy'),
})

async function onVersions(
  terminal: Terminal,
  key: string,
  flags: { readonly versions: readonly string[]; readonly mount: string | undefined },
  verb: 'undelete' | 'destroy',
): Promise<void> {
  const versions = numbers(flags.versions)
  if (versions.length === 0) throw new Failure(1, `No versions provided, use the "-versions" flag to specify the version to ${verb}.`)
  const client = await terminal.client()
  const title = verb === 'undelete' ? 'Undelete' : 'Destroy'
  const target = await findVersioned(terminal, client, key, flags.mount, { text: `${title} not supported on KV Version 1`, exitCode: 1 })
  const path = target.at(verb)
  const secret = await attempt(`Error writing data to ${path}`, () => client.write(path, { versions }))
  showAnswer(terminal, secret, `Success! Data written to: ${path}`)
}

export const enableVersioning = command({
  doc: 'Turn on versioning for a KV store',
  about: `
Makes a mount of version 1 one of version 2. There is no way back.

    $ signet kv enable-versioning secret`,
  args: ['PATH'],
  async run(terminal, { args: [arg = ''] }) {
    const path = mountPath(cleanPath(arg))
    const client = await terminal.client()
    await attempt(`Error tuning secrets engine ${path}`, () => client.post(`sys/mounts/${path}tune`, { options: { version: '2' } }))
    terminal.print(`Success! Tuned the secrets engine at: ${path}`)
  },
})
