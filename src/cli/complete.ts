// Completion scripts for shells, derived from the table of commands: what may follow each line of words.
import type { Node } from './command.ts'
import { allFlags } from './common-flags.ts'
import type { Flags } from './flag.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** One line of words that names a command or a group, and what may follow it. */
interface Place {
  readonly path: string
  readonly words: readonly { readonly word: string; readonly doc?: string }[]
}

export function completionScript(shell: Shell, commands: Readonly<Record<string, Node>>): string {
  return SCRIPTS[shell](places('', commands))
}

function places(path: string, commands: Readonly<Record<string, Node>>): readonly Place[] {
  const own = { path, words: Object.entries(commands).map(([word, { doc }]) => ({ word, doc })) }
  return [own, ...Object.entries(commands).flatMap(([name, node]) => placesOf(path === '' ? name : `${path} ${name}`, node))]
}

function placesOf(path: string, node: Node): readonly Place[] {
  if (node.kind === 'command') return [{ path, words: flagWords(allFlags(node)) }]
  const [own, ...inner] = places(path, node.commands)
  return [{ path, words: [...(own?.words ?? []), ...(node.itself ? flagWords(allFlags(node.itself)) : [])] }, ...inner]
}

function flagWords(flags: Flags): Place['words'] {
  const shown = Object.entries(flags).filter(([, flag]) => !flag.hidden)
  return shown.flatMap(([name, { kind, choices }]) => {
    if (choices) return choices.map((choice) => ({ word: `-${name}=${choice}` }))
    return [{ word: kind === 'bool' ? `-${name}` : `-${name}=` }]
  })
}

const SCRIPTS: Readonly<Record<Shell, (places: readonly Place[]) => string>> = { bash, zsh, fish }

const cases = (all: readonly Place[]): string =>
  all.map(({ path, words }) => `    '${path}') reply='${words.map(({ word }) => word).join(' ')}' ;;`).join('\n')

// The words before the cursor that are neither flags nor arguments name the place; it grows while it is known.
function bash(all: readonly Place[]): string {
  return `_signet_words() {
  case "$1" in
${cases(all)}
    *) return 1 ;;
  esac
}
_signet() {
  local current=\${COMP_WORDS[COMP_CWORD]} place='' reply='' word next
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${place:+$place }$word"
    if _signet_words "$next"; then place=$next; fi
  done
  _signet_words "$place"
  COMPREPLY=($(compgen -W "$reply" -- "$current"))
  [[ \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -o default -F _signet signet
`
}

function zsh(all: readonly Place[]): string {
  return `#compdef signet
_signet_words() {
  case "$1" in
${cases(all)}
    *) return 1 ;;
  esac
}
_signet() {
  local place='' reply='' word next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${place:+$place }$word"
    if _signet_words "$next"; then place=$next; fi
  done
  _signet_words "$place"
  compadd -S '' -- \${=reply}
}
compdef _signet signet
`
}

function fish(all: readonly Place[]): string {
  const known = all.map(({ path }) => `'${path}'`).join(' ')
  return `function __signet_at
  set -l place ''
  for word in (commandline -opc)[2..-1]
    set -l next (string trim "$place $word")
    if contains -- $next ${known}
      set place $next
    end
  end
  test "$place" = "$argv[1]"
end
${all.flatMap(fishLines).join('\n')}
`
}

/** A line for each subcommand with what it does, and one for all flags: there are many, and every shell reads them. */
function fishLines({ path, words }: Place): readonly string[] {
  const start = `complete -c signet -f -n "__signet_at '${path}'"`
  const flags = words.filter(({ doc }) => doc === undefined)
  const commands = words.filter(({ doc }) => doc !== undefined)
  return [
    ...commands.map(({ word, doc = '' }) => `${start} -a '${word}' -d '${doc.replaceAll(/['\\]/g, '\\$&')}'`),
    ...(flags.length > 0 ? [`${start} -a '${flags.map(({ word }) => word).join(' ')}'`] : []),
  ]
}
