// `signet operator rekey`: another key, split into other shares.
import type { Json, JsonObject } from '../../base/json.ts'
import type { Client } from '../../client/client.ts'
import { command } from '../command.ts'
import { attempt, Failure } from '../failure.ts'
import { also, bool, choice, int, list, oneOf, or, text } from '../flag.ts'
import { showObject, showSecret } from '../output/show.ts'
import { table } from '../output/table.ts'
import { goText } from '../output/text.ts'
import { wrap } from '../output/wrap.ts'
import { readPgpKeys } from '../pgp-keys.ts'
import type { Terminal } from '../terminal.ts'
import { getBody, nonceFlag, putBody, shareFor, shareInstead } from './operator-shares.ts'

export const rekey = command({
  doc: 'Make a new key and new key shares',
  about: `
Makes a new unseal key, or with -target=recovery a new recovery key, and splits it into new shares. It takes
as many of the present shares as unsealing does.

    $ signet operator rekey -init -key-shares=5 -key-threshold=3 -verify
    $ signet operator rekey
    Operation nonce: 2dbd10f1-8528-6246-09e7-82b25b8aba63
    Key Share (will be hidden):

With -verify the new shares count only once enough of them were given back:

    $ signet operator rekey -verify

Without a token a key share does to begin and to give up: it is asked for, or given as KEY.`,
  args: ['[KEY]'],
  flags: {
    init: bool('Begin.'),
    cancel: bool('Give up; the shares given so far are forgotten. With -verify, begin the verification anew.'),
    status: bool('Print how far it is.'),
    'key-shares': also(or(int('How many shares to split the new key into.'), 5), 'n'),
    'key-threshold': also(or(int('How many shares are needed; at most -key-shares.'), 3), 't'),
    nonce: nonceFlag,
    target: {
      ...oneOf(text('Which key: barrier, or recovery where the server unseals by itself.'), 'barrier', 'recovery', 'hsm'),
      fallback: 'barrier',
    },
    'recovery-unseal': choice('Of recovery shares: whether the new ones open the server too, for the day on which no seal is left that does.'),
    'pgp-keys': list('With -init: files with a PGP public key for each new share, apart by commas; each is printed encrypted with its key.'),
    backup: bool('With -init and -pgp-keys: keep the encrypted shares in the server, until they are deleted.'),
    'backup-retrieve': bool('Print the encrypted shares that are kept.'),
    'backup-delete': bool('Delete the encrypted shares that are kept.'),
    verify: bool('With -init, ask for a verification; otherwise the share, -status and -cancel are for it.'),
  },
  output: 'format',
  async run(terminal, { args: [arg], flags }) {
    const client = await terminal.client()
    const [at, backupPath] = PLACES[flags.target === 'barrier' ? 'barrier' : 'recovery']
    if (flags['backup-retrieve']) return showBackup(terminal, client, backupPath)
    if (flags['backup-delete']) return deleteBackup(terminal, client, backupPath)
    const attemptPath = flags.verify && !flags.init ? `${at}/verify` : `${at}/init`
    if (flags.cancel) return cancel(terminal, client, attemptPath, arg)
    if (flags.init) {
      const request = { secret_shares: flags['key-shares'], secret_threshold: flags['key-threshold'], require_verification: flags.verify }
      const more = await settings(terminal, flags)
      return init(terminal, client, attemptPath, { ...request, ...more, ...(await shareInstead(terminal, client, arg)) })
    }
    const status = await attempt('Error reading rekey status', () => getBody(client, attemptPath))
    if (flags.status) return showStatus(terminal, status)
    if (status['started'] !== true) {
      throw new Failure(1, 'No rekey is in progress.', { hints: ['start one: signet operator rekey -init'] })
    }
    const share = await shareFor(terminal, arg, flags.nonce, goText(status['nonce']))
    const answer = await attempt('Error posting unseal key', () => putBody(client, flags.verify ? attemptPath : `${at}/update`, share))
    if (answer['complete'] !== true) return showStatus(terminal, answer)
    if (terminal.format !== 'table') return showObject(terminal, answer)
    if (flags.verify) return terminal.print(wrap('Rekey verification successful. The rekey operation is complete and the new keys are now active.'))
    showShares(terminal, answer, status)
  },
})

const PLACES = {
  barrier: ['sys/rekey', 'sys/rekey/backup'],
  recovery: ['sys/rekey-recovery-key', 'sys/rekey/recovery-key-backup'],
} as const

interface Settings {
  readonly 'recovery-unseal': boolean | undefined
  readonly 'pgp-keys': readonly string[]
  readonly backup: boolean
}

/** Those that were given. */
async function settings(terminal: Terminal, { 'recovery-unseal': opens, 'pgp-keys': keys, backup }: Settings): Promise<JsonObject> {
  return {
    ...(opens === undefined ? {} : { recovery_unseal: opens }),
    ...(keys.length > 0 ? { pgp_keys: await readPgpKeys(terminal, keys) } : {}),
    ...(backup ? { backup } : {}),
  }
}

async function showBackup(terminal: Terminal, client: Client, path: string): Promise<void> {
  const secret = await attempt('Error retrieving rekey backed up keys', () => client.read(path))
  if (!secret) throw new Failure(2, 'Error retrieving rekey backed up keys: there are none')
  showSecret(terminal, secret)
}

async function deleteBackup(terminal: Terminal, client: Client, path: string): Promise<void> {
  await attempt('Error deleting rekey backed up keys', () => client.call('DELETE', path))
  terminal.print('Success! Deleted backed up keys (if they existed)')
}

async function cancel(terminal: Terminal, client: Client, path: string, arg: string | undefined): Promise<void> {
  const body = await shareInstead(terminal, client, arg)
  await attempt('Error canceling rekey', () => client.call('DELETE', path, Object.keys(body).length > 0 ? { body } : {}))
  terminal.print('Success! Canceled rekeying (if it was started)')
}

async function init(terminal: Terminal, client: Client, path: string, request: JsonObject): Promise<void> {
  const status = await attempt('Error initializing rekey', () => putBody(client, path, request))
  if (terminal.format === 'table' && request['require_verification'] !== true && request['backup'] !== true) {
    terminal.warn(
      `${wrap(`WARNING! The new shares are shown once. If they get lost on the way, only -verify keeps the old ones good until it is known,
        and only -pgp-keys with -backup keeps the new ones.`)}\n`,
    )
  }
  showStatus(terminal, status)
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])

function showShares(terminal: Terminal, answer: JsonObject, { t, n }: JsonObject): void {
  const keys = listOf(answer['keys_base64'])
  if (keys.length === 0) return terminal.print('The root key was rotated; no key shares changed.')
  const fingerprints = listOf(answer['pgp_fingerprints'])
  for (const [i, key] of keys.entries()) {
    const whose = fingerprints[i]
    terminal.print(`Key ${i + 1}${whose === undefined ? '' : ` fingerprint: ${goText(whose)}; value`}: ${goText(key)}`)
  }
  terminal.print(`\nOperation nonce: ${goText(answer['nonce'])}\n`)
  if (answer['backup'] === true) {
    terminal.print(`${wrap('The encrypted shares are kept in the server, until "signet operator rekey -backup-delete" removes them.')}\n`)
  }
  if (answer['verification_required'] === true) {
    terminal.print(
      wrap(`There is a new key, split into ${goText(n)} shares with a threshold of ${goText(t)}. It is not in use yet: give ${goText(t)} of
        the shares above to "signet operator rekey -verify". Keep the present shares until then.`),
    )
    terminal.print(`\nVerification nonce: ${goText(answer['verification_nonce'])}`)
    return
  }
  terminal.print(
    wrap(`The key was split into ${goText(n)} new shares with a threshold of ${goText(t)}. Give each share above to somebody else, to be
      kept apart. The shares of before are good until the new ones are used, but for no longer than ten minutes.`),
  )
}

/** That of the rekey, or of its verification: which of them says whether it has `required`. */
function showStatus(terminal: Terminal, status: JsonObject): void {
  if (terminal.format !== 'table') return showObject(terminal, status)
  const text = (name: string): string => goText(status[name])
  const rows: (readonly [string, string])[] =
    status['required'] === undefined
      ? [
          ['Started', text('started')],
          ['New Shares', text('n')],
          ['New Threshold', text('t')],
          ['Verification Nonce', text('nonce')],
          ['Verification Progress', `${text('progress')}/${text('t')}`],
        ]
      : [['Nonce', text('nonce')], ['Started', text('started')], ...(status['started'] === true ? progressRows(status) : [])]
  terminal.print(table(['Key', 'Value'], rows))
}

function progressRows(status: JsonObject): (readonly [string, string])[] {
  const waiting = status['verification_nonce']
  const of = goText(status['required'])
  const fingerprints = listOf(status['pgp_fingerprints'])
  return [
    ['Progress', waiting ? `${of}/${of} (verification in progress)` : `${goText(status['progress'])}/${of}`],
    ['New Shares', goText(status['n'])],
    ['New Threshold', goText(status['t'])],
    ['Verification Required', goText(status['verification_required'])],
    ...(waiting ? [['Verification Nonce', goText(waiting)] as const] : []),
    ...(fingerprints.length > 0 ? backupRows(fingerprints, status) : []),
  ]
}

function backupRows(fingerprints: readonly Json[], { backup }: JsonObject): (readonly [string, string])[] {
  return [
    ['PGP Fingerprints', goText([...fingerprints])],
    ['Backup', goText(backup)],
  ]
}
