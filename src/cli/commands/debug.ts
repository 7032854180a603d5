// `signet debug`: looking into what a server stores.
import { command, group } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { text } from '../flag.ts'
import { showObject } from '../output/show.ts'
import type { Offline } from '../ports.ts'
import { reading } from '../reading.ts'
import type { Terminal } from '../terminal.ts'
import { unsealOffline } from '../unseal-offline.ts'

const fsck = command({
  doc: 'Look through everything that is stored for half states',
  about: `
Opens every record with the key shares, which are typed or piped in, one a line, and checks that all
that belongs together is there: keys and seals, tokens, leases and quotas with their indexes, mounts and
their data, secrets, namespaces, audit devices, trust domains. Nothing is changed. The server may run
or not; a snapshot will do as well.

    $ signet debug fsck -storage=/var/lib/signet
    $ signet debug fsck -snapshot=backup.snap`,
  flags: {
    snapshot: text('A snapshot file.'),
    storage: text('The folder of a database.'),
  },
  output: 'format',
  local: true,
  async run(terminal, { flags: { snapshot, storage } }) {
    const offline = await open(terminal, snapshot, storage)
    await unsealOffline(terminal, offline)
    const { findings, records } = offline.fsck()
    await offline.close()
    if (terminal.format !== 'table') showObject(terminal, { findings: [...findings], records })
    else if (findings.length === 0) terminal.print(`Success! ${records} records were looked at, and all is well.`)
    else terminal.print(findings.join('\n'))
    return findings.length === 0 ? 0 : 2
  },
})

async function open(terminal: Terminal, snapshot: string | undefined, storage: string | undefined): Promise<Offline> {
  const { ports } = terminal
  if (!snapshot === !storage) throw new Failure(1, 'either -storage or -snapshot is needed')
  if (storage) return ports.openDatabase(storage)
  return attempt(`Error reading ${snapshot}`, () => ports.openSnapshot(reading(terminal, snapshot ?? '')), 1)
}

export const debug = group('Look into what a server stores', { fsck })
