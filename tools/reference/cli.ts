// Every command with its arguments and flags, from their declarations.
import { loadAll } from '../../src/cli/commands.ts'
import type { Command, Node } from '../../src/cli/command.ts'
import { connectionFlags, flagSections } from '../../src/cli/common-flags.ts'
import { PREFIXES } from '../../src/cli/environment.ts'
import type { Flag, Flags } from '../../src/cli/flag.ts'
import { code, shown, table } from './markdown.ts'

export async function cliPage(): Promise<string> {
  const commands = Object.entries(await loadAll())
  return [
    '# The command line',
    `Flags are written ${code('-name=value')} or ${code('-name value')}, before or after the arguments. Those that can also be set in the ` +
      `environment name a variable; each is looked up with ${PREFIXES.map(code).join(', then with ')} before it.`,
    '## Flags of every command that asks a server',
    flagTable(connectionFlags),
    ...commands.flatMap(([name, node]) => sections([name], node)),
  ].join('\n\n')
}

function sections(path: readonly string[], node: Node): string[] {
  if (node.kind === 'command') return [commandSection(path, node)]
  const own = node.itself ? [commandSection(path, node.itself)] : []
  return [...own, ...Object.entries(node.commands).flatMap(([name, inner]) => sections([...path, name], inner))]
}

function commandSection(path: readonly string[], command: Command): string {
  const usage = ['signet', ...path, ...command.args].join(' ')
  const own = flagSections(command).filter(({ title }) => title !== 'HTTP Options')
  return [
    `## signet ${path.join(' ')}`,
    `${command.doc}.${command.local ? ' Asks no server.' : ''}`,
    `\`\`\`text\n${[usage, ...about(command)].join('\n')}\n\`\`\``,
    ...own.map(({ flags }) => flagTable(flags)),
  ].join('\n\n')
}

function about({ about: text }: Command): string[] {
  return text === undefined ? [] : ['', ...text.replace(/^\n+|\s+$/g, '').split('\n')]
}

function flagTable(flags: Flags): string {
  const visible = Object.entries(flags).filter(([, flag]) => !flag.hidden) as [string, Flag<unknown>][]
  return table(
    ['flag', 'what it does', 'default', 'environment'],
    visible.map(([name, flag]) => [names(name, flag), flag.doc, shown(plain(flag.fallback)), flag.env === undefined ? '' : code(flag.env)]),
  )
}

function names(name: string, { aliases, kind }: Flag<unknown>): string {
  return [name, ...aliases].map((one) => code(`-${one}`)).join(', ') + (kind === 'list' || kind === 'pairs' ? ', many times' : '')
}

function plain(fallback: unknown): unknown {
  return fallback === false ? undefined : fallback
}
