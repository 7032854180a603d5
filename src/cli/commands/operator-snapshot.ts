// `signet operator snapshot`: the whole store as one file: taken, checked, restored, and single secrets out of it.
import type { SnapshotMeta } from '../../snapshot/format.ts'
import { readSnapshot } from '../../snapshot/read.ts'
import { command, group } from '../command.ts'
import { attempt } from '../failure.ts'
import { bool } from '../flag.ts'
import { showObject } from '../output/show.ts'
import { columns, table } from '../output/table.ts'
import type { OfflineSnapshot } from '../ports.ts'
import { reading } from '../reading.ts'
import type { Terminal } from '../terminal.ts'
import { unsealOffline } from '../unseal-offline.ts'
import { restoreSecret } from './restore-secret.ts'

const PATH = 'sys/storage/raft/snapshot'
const OWNER_ONLY = 0o600

const save = command({
  doc: 'Save a snapshot into a file',
  about: `
Takes a snapshot of everything that is stored while the server goes on, and checks that the file is
whole. What is in it is encrypted as in the store; only the server's key shares open it.

    $ signet operator snapshot save backup.snap`,
  args: ['FILE'],
  async run(terminal, { args: [file = ''] }) {
    const client = (await terminal.client()).with({ timeoutMs: 0 })
    const whole = async (written: AsyncIterable<Uint8Array>): Promise<void> => void (await readSnapshot(written, async () => {}))
    const into = (chunks: AsyncIterable<Uint8Array>): Promise<void> => terminal.ports.files.save(file, chunks, OWNER_ONLY, whole)
    await attempt('Error taking the snapshot', () => client.call('GET', PATH, { into }))
    terminal.print(`Success! Saved a snapshot to ${file}`)
  },
})

const restore = command({
  doc: 'Put a snapshot in the place of everything that is stored',
  about: `
The server checks the snapshot, puts it in the place of what it has, and seals itself; the key shares
that were valid when the snapshot was taken open it again. Everything that was written since is gone.
A crash in between leaves either the old or the new. With -force a snapshot of another server is taken
as well, and then that server's shares are needed.

    $ signet operator snapshot restore backup.snap`,
  args: ['FILE'],
  flags: { force: bool('Take a snapshot that was made under other keys.') },
  async run(terminal, { args: [file = ''], flags: { force } }) {
    const client = (await terminal.client()).with({ timeoutMs: 0, retries: { max: 0, sleep: terminal.ports.sleep } })
    await attempt('Error restoring the snapshot', () => client.call('POST', force ? `${PATH}-force` : PATH, { upload: reading(terminal, file) }))
    terminal.print('Success! The snapshot is restored. The server is sealed: unseal it with the shares of the snapshot.')
  },
})

const inspect = command({
  doc: 'Tell what a snapshot file is, without a server',
  about: `
Checks that the file is whole, and counts what is in it by kind. Needs no key shares.

    $ signet operator snapshot inspect backup.snap`,
  args: ['FILE'],
  output: 'format',
  local: true,
  async run(terminal, { args: [file = ''] }) {
    const snapshot = await open(terminal, file)
    const kinds = countKinds(snapshot)
    if (terminal.format !== 'table') return showObject(terminal, { meta: { ...snapshot.meta, Signet: { ...snapshot.meta.Signet } }, kinds })
    terminal.print(describe(snapshot.meta))
    const rows = Object.entries(kinds).map(([name, { count, bytes }]) => [name, String(count), String(bytes)])
    terminal.print(`\n${table(['Kind', 'Count', 'Bytes'], rows)}`)
  },
})

const verify = command({
  doc: 'Prove that every record of a snapshot file is genuine, without a server',
  about: `
Checks the file, asks for the key shares of the server that it is of, and opens every record with them.
The shares are asked for on the terminal, or taken from standard input, one a line.

    $ signet operator snapshot verify backup.snap`,
  args: ['FILE'],
  local: true,
  async run(terminal, { args: [file = ''] }) {
    const snapshot = await open(terminal, file)
    await unsealOffline(terminal, snapshot)
    const count = await attempt(`Error verifying ${file}`, async () => snapshot.verify(), 1)
    await snapshot.close()
    terminal.print(`Success! The snapshot is whole, and all ${count} records in it are genuine.`)
  },
})

/** Throws a Failure for a file that is no snapshot. */
async function open(terminal: Terminal, file: string): Promise<OfflineSnapshot> {
  return attempt(`Error reading ${file}`, () => terminal.ports.openSnapshot(reading(terminal, file)), 1)
}

function describe({ ID, Index, Signet }: SnapshotMeta): string {
  return columns([
    ['ID', ID],
    ['Revision', String(Index)],
    ['Taken', Signet.taken],
    ['By version', Signet.version],
    ['Format', String(Signet.format)],
  ])
}

/** By the first two names of a key; what mounts hold, and it alone, counts as one. */
function countKinds({ entries }: OfflineSnapshot): Record<string, { count: number; bytes: number }> {
  const kinds: Record<string, { count: number; bytes: number }> = {}
  for (const { key, value } of entries) {
    const kind = /^(?:ns\/[^/]*\/)?[^/]*/.exec(key)?.[0] ?? ''
    const known = (kinds[kind] ??= { count: 0, bytes: 0 })
    known.count++
    known.bytes += value.length
  }
  return kinds
}

export const snapshot = group(
  'Save, check and restore snapshots',
  { inspect, restore, 'restore-secret': restoreSecret(open), save, verify },
  `
    $ signet operator snapshot save backup.snap
    $ signet operator snapshot restore backup.snap
    $ signet operator snapshot restore-secret backup.snap secret/app`,
)

/** The name that people know from Vault. */
export const raft = group('Snapshots, under the name that they have in Vault', { snapshot })
