// `signet completion`: scripts that let a shell complete commands and flags.
import { completionScript, SHELLS, type Shell } from '../complete.ts'
import { command } from '../command.ts'
import { Failure } from '../failure.ts'

export const completion = command({
  doc: 'Print a completion script for a shell',
  about: `
    $ source <(signet completion bash)
    $ source <(signet completion zsh)
    $ signet completion fish | source`,
  args: ['bash | zsh | fish'],
  local: true,
  async run(terminal, { args: [name = ''] }) {
    const shell = SHELLS.find((one) => one === name) as Shell | undefined
    if (!shell) throw new Failure(1, `no completion for ${JSON.stringify(name)}: there is ${SHELLS.join(', ')}`)
    // Loaded here: the table of commands knows this one as well.
    const { loadAll } = await import('../commands.ts')
    terminal.ports.stdout.write(completionScript(shell, await loadAll()))
  },
})
