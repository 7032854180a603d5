// `signet operator`: what those who run the server do with its keys.
import { command, group } from '../command.ts'
import { attempt } from '../failure.ts'
import { bool } from '../flag.ts'
import { parseBody } from '../../client/secret.ts'
import type { JsonObject } from '../../base/json.ts'
import { secretArg } from '../secret-arg.ts'
import { showSealStatus } from '../seal-status.ts'
import { askSecret } from '../terminal.ts'
import { check } from './config.ts'
import { diagnose } from './operator-diagnose.ts'
import { generateRoot } from './operator-generate-root.ts'
import { importCommand } from './operator-import.ts'
import { init } from './operator-init.ts'
import { members, stepDown } from './operator-members.ts'
import { rekey } from './operator-rekey.ts'
import { keyStatus, rotate } from './operator-rotate.ts'
import { raft, snapshot } from './operator-snapshot.ts'

const unseal = command({
  doc: 'Unseal the server',
  about: `
Gives one share of the key to the server, which opens once it has enough of them. Without an argument
the share is asked for on the terminal; "-" takes it from standard input.

    $ signet operator unseal
    Unseal Key (will be hidden):`,
  args: ['[KEY]'],
  flags: {
    reset: bool('Forget the shares that were given so far.'),
    migrate: bool('Go over to the seals that are configured now: with all shares that it takes.'),
  },
  output: 'format',
  async run(terminal, { args: [arg], flags: { reset, migrate } }) {
    const client = await terminal.client()
    const give = async (body: JsonObject): Promise<JsonObject> => parseBody((await client.call('PUT', 'sys/unseal', { body })).body) as JsonObject
    if (reset) {
      const status = await attempt('Error resetting unseal process', () => give({ reset: true }))
      return attempt('Error checking leader status', () => showSealStatus(terminal, client, status), 1)
    }
    const key = (await secretArg(terminal, arg)) || (await askSecret(terminal, 'Unseal Key', 'pipe it in: signet operator unseal -'))
    const status = await attempt('Error unsealing', () => give(migrate ? { key, migrate } : { key }))
    await attempt('Error checking leader status', () => showSealStatus(terminal, client, status), 1)
  },
})

const seal = command({
  doc: 'Seal the server',
  about: `
Makes the server forget its keys at once. Only enough shares of the key open it again.`,
  async run(terminal) {
    const client = await terminal.client()
    await attempt('Error sealing', () => client.write('sys/seal'))
    terminal.print('Success! Vault is sealed.')
  },
})

export const operator = group(
  'Perform operator-specific tasks',
  {
    diagnose,
    'generate-root': generateRoot,
    import: importCommand,
    init,
    'key-status': keyStatus,
    members,
    raft,
    rekey,
    rotate,
    seal,
    snapshot,
    'step-down': stepDown,
    unseal,
    'validate-config': check,
  },
  `
    $ signet operator init -key-shares=5 -key-threshold=3
    $ signet operator unseal
    $ signet operator seal`,
)
