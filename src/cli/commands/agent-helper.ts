// `signet agent helper`: certificates in files, kept fresh for a program that is told when they changed.
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { or, oneOf, text } from '../flag.ts'
import type { Terminal } from '../terminal.ts'
import { asking, socketFlags } from './agent-socket.ts'
import { KEY_MODE, writeSvids } from './agent-svids.ts'

const SIGNALS = ['hup', 'int', 'quit', 'term', 'usr1', 'usr2', 'winch'] as const

export const helper = command({
  doc: 'Keep certificates in a folder fresh, and tell a program when they changed',
  about: `
For programs that read certificates from files; revocation lists are in crl.pem beside them. Runs until it
is told to stop, whether or not the agent is there all the time.

    $ signet agent helper -write=/run/certs -pid-file=/run/nginx.pid -signal=hup`,
  local: true,
  flags: {
    ...socketFlags,
    write: or(text('Folder to write certificates, keys and bundles to.'), ''),
    'pid-file': or(text('File with the number of the process to signal; nobody is signalled without it.'), ''),
    signal: or(oneOf(text('Which signal.'), ...SIGNALS), 'hup'),
    'key-mode': or(text('Permission bits of the keys, in octal.'), KEY_MODE),
  },
  async run(terminal, { flags }) {
    if (flags.write === '') throw new Failure(1, '-write is needed: the folder for the files')
    if (!/^0?[0-7]{3}$/.test(flags['key-mode'])) throw new Failure(1, `-key-mode=${flags['key-mode']} is not permission bits in octal, such as 0640`)
    const keyMode = Number.parseInt(flags['key-mode'], 8)
    for (let failures = 0; ; failures++) {
      try {
        await asking(terminal, flags, async (workloadApi) => {
          for await (const answer of workloadApi.watchX509()) {
            failures = 0
            terminal.print(await writeSvids(terminal.ports.files, answer, flags.write, keyMode))
            if (flags['pid-file'] !== '') await tell(terminal, flags['pid-file'], `SIG${flags.signal.toUpperCase()}`)
          }
        })
      } catch (error) {
        if (!(error instanceof Failure) || error.exitCode !== 2) throw error
        terminal.warn(error.message)
      }
      await terminal.ports.sleep(Math.min(FIRST_PAUSE * 2 ** failures, LONGEST_PAUSE))
    }
  },
})

/** In milliseconds. */
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 30_000

/** A process that is not there yet reads the files when it starts. */
async function tell(terminal: Terminal, pidFile: string, signal: string): Promise<void> {
  const { files, signal: send } = terminal.ports
  try {
    const [first = ''] = Buffer.from(await files.read(pidFile))
      .toString()
      .trim()
      .split('\n', 1) // PostgreSQL writes more below it
    const pid = Number(first)
    if (!Number.isSafeInteger(pid) || pid < 2) throw new Error('there is no process number in it')
    send(pid, signal)
  } catch (error) {
    terminal.warn(`${pidFile}: nobody was signalled: ${(error as Error).message}`)
  }
}
